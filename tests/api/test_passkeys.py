"""Passkeys over the AuthApi: adding, logging in alone and as a second factor, removing, and hostile input."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth.hashers import make_password
from django.db import OperationalError, connection
from django.test import Client
from fido2.webauthn import AuthenticatorData

from accounts.core import clock
from accounts.models import Passkey, RecoveryCode, SecurityEvent, Session, User
from tests.clients.authapi import PASSWORD, AuthApi
from tests.mailbox import Mailbox, link_values
from tests.passkeys import Authenticator

pytestmark = pytest.mark.django_db
UP = AuthenticatorData.FLAG.UP


def begin(api: AuthApi, path: str, token: str | None = None, body: Any = None) -> dict[str, Any]:
    answer = api.call("POST", f"passkeys/{path}/begin/", body or {}, token=token)
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def add(
    api: AuthApi, access: str, authenticator: Authenticator | None = None, name: str = "Phone", **changes: Any
) -> Any:
    begun = begin(api, "register", access)
    credential = (authenticator or Authenticator()).create(begun["options"], **changes)
    body = {"state": begun["state"], "credential": credential, "name": name}
    return api.call("POST", "passkeys/register/complete/", body, token=access)


def log_in(api: AuthApi, authenticator: Authenticator, challenge: str | None = None, **changes: Any) -> Any:
    asked = {"challenge": challenge} if challenge else {}
    begun = begin(api, "login", body=asked)
    credential = authenticator.get(begun["options"], **changes)
    return api.call("POST", "passkeys/login/complete/", {"state": begun["state"], "credential": credential, **asked})


@pytest.fixture
def passkey(verified_alice: Any, api: AuthApi) -> Authenticator:
    authenticator = Authenticator()
    assert add(api, verified_alice["access"], authenticator).status_code == 201
    return authenticator


def test_the_first_one(verified_alice: Any, api: AuthApi, letters: Mailbox) -> None:
    begun = begin(api, "register", verified_alice["access"])
    options = begun["options"]
    assert options["rp"] == {"id": "127.0.0.1", "name": "127.0.0.1:8000"}
    assert options["authenticatorSelection"]["userVerification"] == "required"
    answer = add(api, verified_alice["access"])
    assert (answer.status_code, answer.json()["name"], len(answer.json()["recovery_codes"])) == (201, "Phone", 10)
    assert User.objects.get().has_second_factor is True
    assert [letter.subject for letter in letters.collect()] == ["A second factor was added"]
    other = add(api, verified_alice["access"], name="Laptop")
    assert (other.status_code, other.json()["recovery_codes"]) == (201, [])
    listed = api.call("GET", "passkeys/", token=verified_alice["access"]).json()
    assert [each["name"] for each in listed] == ["Phone", "Laptop"]


def test_a_login_without_a_name_or_a_password(passkey: Authenticator, api: AuthApi) -> None:
    for _ in range(2):
        answer = log_in(api, passkey)
        assert (answer.status_code, answer.json()["user"]["username"]) == (200, "alice")
    assert Session.objects.latest("started_at").amr == "passkey"
    assert Passkey.objects.get().sign_count == 2


def test_as_a_second_factor(passkey: Authenticator, api: AuthApi) -> None:
    asked = api.login("alice")
    assert (asked.status_code, asked.json()["factors"]) == (403, ["passkey", "recovery_code"])
    # The password is proved already, so the device need not ask for a PIN.
    answer = log_in(api, passkey, asked.json()["challenge"], flags=UP)
    assert answer.status_code == 200
    assert Session.objects.latest("started_at").amr == "pwd passkey"
    again = api.call("POST", "passkeys/login/begin/", {"challenge": asked.json()["challenge"]})
    assert (again.status_code, again.json()["code"]) == (400, "invalid_challenge")


def test_a_state_for_a_second_factor_does_not_log_in_without_the_challenge(
    passkey: Authenticator, api: AuthApi
) -> None:
    challenge = api.login("alice").json()["challenge"]
    begun = begin(api, "login", body={"challenge": challenge})
    credential = passkey.get(begun["options"], flags=UP)
    answer = api.call("POST", "passkeys/login/complete/", {"state": begun["state"], "credential": credential})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_passkey")


def test_a_recovery_code_in_its_place(verified_alice: Any, api: AuthApi) -> None:
    (code, *_others) = add(api, verified_alice["access"]).json()["recovery_codes"]
    body = {"challenge": api.login("alice").json()["challenge"], "code": code}
    assert api.call("POST", "mfa/verify/", body).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://evil.example.org"},
        {"origin": "http://127.0.0.1:8000.evil.example.org"},
        {"rp_id": "evil.example.org"},
        {"signed_challenge": "AAAA"},
        {"type": "webauthn.create"},
        {"flags": UP},
        {"flags": AuthenticatorData.FLAG(0)},
        {"key": ec.generate_private_key(ec.SECP256R1())},
        {"handle": b"0123456789abcdef"},
    ],
)
def test_logins_that_are_refused(changes: dict[str, Any], passkey: Authenticator, api: AuthApi) -> None:
    before = Session.objects.count(), Passkey.objects.values().get()
    answer = log_in(api, passkey, **changes)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_passkey")
    assert (Session.objects.count(), Passkey.objects.values().get()) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://evil.example.org"},
        {"rp_id": "evil.example.org"},
        {"signed_challenge": "AAAA"},
        {"type": "webauthn.get"},
        {"flags": UP},
        {"attestation": b"\xa0"},
        {"attestation": b"\xff" * 5000},
        {"attestation": b"\x9f" * 5000},
        {"attestation": b"\x00" * 700_000},
    ],
)
def test_passkeys_that_are_refused(changes: dict[str, Any], verified_alice: Any, api: AuthApi, rows: Any) -> None:
    before = rows()
    answer = add(api, verified_alice["access"], **changes)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_passkey")
    assert rows() == before
    assert (Passkey.objects.count(), RecoveryCode.objects.count(), User.objects.get().has_second_factor) == (
        0,
        0,
        False,
    )


@pytest.mark.parametrize(
    "credential", [{}, {"id": 1}, {"response": []}, {"rawId": "x", "response": {"a": None}}, "x", [], 1]
)
@pytest.mark.parametrize("path", ["login", "register"])
def test_invalid_credentials_are_refused(
    path: str, credential: Any, verified_alice: Any, api: AuthApi, rows: Any
) -> None:
    token = verified_alice["access"] if path == "register" else None
    state = begin(api, path, token)["state"]
    before = rows()
    body = {"state": state, "credential": credential, "name": "x"}
    assert api.call("POST", f"passkeys/{path}/complete/", body, token=token).status_code == 400
    assert rows() == before


def test_a_signature_is_good_once(passkey: Authenticator, api: AuthApi) -> None:
    begun = begin(api, "login")
    body = {"state": begun["state"], "credential": passkey.get(begun["options"])}
    assert api.call("POST", "passkeys/login/complete/", body).status_code == 200
    before = Session.objects.count()
    answer = api.call("POST", "passkeys/login/complete/", body)
    assert (answer.status_code, Session.objects.count()) == (400, before)


def test_a_state_lives_five_minutes(passkey: Authenticator, api: AuthApi) -> None:
    begun = begin(api, "login")
    body = {"state": begun["state"], "credential": passkey.get(begun["options"])}
    with time_machine.travel(clock.now() + timedelta(minutes=5, seconds=2), tick=False):
        assert api.call("POST", "passkeys/login/complete/", body).status_code == 400


def test_a_copy_counts_differently(passkey: Authenticator, api: AuthApi) -> None:
    assert log_in(api, passkey, count=5).status_code == 200
    for count in (5, 4, 0):
        answer = log_in(api, passkey, count=count)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_passkey")
    assert SecurityEvent.objects.filter(kind="factor_refused", detail="sign_count").count() == 3
    assert log_in(api, passkey, count=6).status_code == 200


def test_a_device_that_does_not_count(verified_alice: Any, api: AuthApi) -> None:
    authenticator = Authenticator()
    add(api, verified_alice["access"], authenticator)
    for _ in range(2):
        assert log_in(api, authenticator, count=0).status_code == 200


def test_somebody_elses(passkey: Authenticator, api: AuthApi) -> None:
    bob = api.register("bob").json()
    challenge = api.login("bob")
    assert challenge.status_code == 200
    other = Authenticator()
    add(api, bob["access"], other)
    challenge = api.login("bob").json()["challenge"]
    assert log_in(api, passkey, challenge).status_code == 400
    # A credential belongs to only one account.
    assert add(api, bob["access"], passkey).status_code == 400


def test_names_and_removal(passkey: Authenticator, verified_alice: Any, api: AuthApi, letters: Mailbox) -> None:
    token = verified_alice["access"]
    (listed,) = api.call("GET", "passkeys/", token=token).json()
    path = f"passkeys/{listed['id']}/"
    assert api.call("PATCH", path, {"name": "Key ring"}, token=token).json()["name"] == "Key ring"
    for name in ("", "x" * 101):
        assert api.call("PATCH", path, {"name": name}, token=token).status_code == 400
    bob = api.register("bob").json()["access"]
    for method, body in (("PATCH", {"name": "x"}), ("DELETE", None)):
        answer = api.call(method, path, body, token=bob)
        assert (answer.status_code, answer.json()["code"]) == (404, "factor_not_found")
    with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1), tick=False):
        late = api.refresh(verified_alice["refresh"]).json()["access"]
        assert api.call("DELETE", path, token=late).status_code == 403
    letters.collect()
    assert api.call("DELETE", path, token=token).status_code == 204
    assert (Passkey.objects.count(), RecoveryCode.objects.count()) == (0, 0)
    assert [letter.subject for letter in letters.collect()] == ["A second factor was removed"]
    assert api.login("alice").status_code == 200


def test_twenty_at_most(verified_alice: Any, api: AuthApi) -> None:
    token = verified_alice["access"]
    for _ in range(20):
        assert add(api, token).status_code == 201
    answer = add(api, token)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_passkeys")
    assert Passkey.objects.count() == 20


def test_a_recent_proof_by_a_passkey(passkey: Authenticator, verified_alice: Any, api: AuthApi) -> None:
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
        token = api.refresh(verified_alice["refresh"]).json()["access"]
        assert api.call("POST", "passkeys/register/begin/", {}, token=token).status_code == 403
        begun = begin(api, "login")
        proof = {"state": begun["state"], "credential": passkey.get(begun["options"])}
        assert api.call("POST", "reauthenticate/", proof, token=token).status_code == 200
        assert api.call("POST", "passkeys/register/begin/", {}, token=token).status_code == 200
        assert api.call("POST", "reauthenticate/", proof, token=token).status_code == 400


def test_this_was_not_me(verified_alice: Any, api: AuthApi, letters: Mailbox) -> None:
    add(api, verified_alice["access"])
    (letter,) = letters.collect()
    assert Client().post("/not-me", link_values(letter)).status_code == 200
    assert (Passkey.objects.count(), User.objects.get().has_second_factor) == (0, False)


def test_who_is_not_active_does_not_get_in(passkey: Authenticator, api: AuthApi) -> None:
    User.objects.update(is_active=False)
    answer = log_in(api, passkey)
    assert (answer.status_code, answer.json()) == (
        400,
        {"non_field_errors": ["Unable to log in with provided credentials."]},
    )


def test_pages_of_listed_origins_may_ask(settings: Any, passkey: Authenticator, api: AuthApi) -> None:
    origin = "https://app.example.org"
    assert log_in(api, passkey, origin=origin).status_code == 400
    settings.CORS_ALLOWED_ORIGINS = [origin]
    assert log_in(api, passkey, origin=origin).status_code == 200
    answer = Client().get("/.well-known/webauthn")
    assert answer.json() == {"origins": ["http://127.0.0.1:8000", origin]}


def test_a_password_login_asks_for_what_was_added(passkey: Authenticator, api: AuthApi) -> None:
    assert api.login("alice", PASSWORD).json()["code"] == "mfa_required"


@pytest.mark.parametrize("depth", [300, 700, 900, 950, 980, 990, 1000, 9000])
def test_a_credential_that_is_nested_deeply(depth: int, passkey: Authenticator, api: AuthApi) -> None:
    nested = '{"a": ' + "[" * depth + "]" * depth + "}"
    body = '{"state": "x", "credential": ' + nested + "}"
    answer = api.send("POST", "/api/auth/passkeys/login/complete/", data=body, content_type="application/json")
    assert answer.status_code == 400
    asked = {"challenge": "x", "code": "1", "credential": nested, "state": "x"}
    form = AuthApi("form").call("POST", "passkeys/login/complete/", {"state": "x", "credential": nested})
    assert form.status_code == 400
    page = Client().post("/admin/login/second-factor/", asked)
    assert page.status_code == 200


def test_a_database_that_is_gone(passkey: Authenticator, api: AuthApi) -> None:
    begun = begin(api, "login")
    body = {"state": begun["state"], "credential": passkey.get(begun["options"])}

    def fail(execute: Any, sql: str, *args: Any) -> Any:
        if "accounts_passkey" in sql:
            raise OperationalError("gone")
        return execute(sql, *args)

    with connection.execute_wrapper(fail):
        answer = api.call("POST", "passkeys/login/complete/", body)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


def test_beside_the_refresh_cookie(passkey: Authenticator, verified_alice: Any, api: AuthApi, settings: Any) -> None:
    settings.REFRESH_COOKIE = "on"
    answer = api.call("GET", "passkeys/", token=verified_alice["access"])
    assert [each["name"] for each in answer.json()] == ["Phone"]


def test_changes_are_limited(verified_alice: Any, api: AuthApi, letters: Mailbox, settings: Any) -> None:
    """Each change causes a mail, and the mailbox may belong to somebody else."""
    settings.LIMITS = {**settings.LIMITS, "FACTOR_CHANGES_PER_HOUR": 3}
    token = verified_alice["access"]
    assert add(api, token).status_code == 201
    assert api.call("POST", "mfa/recovery-codes/regenerate/", {}, token=token).status_code == 200
    (listed,) = api.call("GET", "passkeys/", token=token).json()
    assert api.call("DELETE", f"passkeys/{listed['id']}/", token=token).status_code == 204
    letters.collect()
    answer = add(api, token)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert (Passkey.objects.count(), letters.collect()) == (0, [])
    for method, path in (("DELETE", f"passkeys/{listed['id']}/"), ("POST", "mfa/recovery-codes/regenerate/")):
        assert api.call(method, path, token=token).status_code == 429


class TestWithoutPassword:
    """An account whose only way in is a passkey."""

    @pytest.fixture
    def access(self, passkey: Authenticator, api: AuthApi) -> str:
        User.objects.update(password=make_password(None))
        assert api.login("alice").status_code == 400
        return str(log_in(api, passkey).json()["access"])

    def change(self, api: AuthApi, access: str) -> Any:
        body = {"old_password": "-", "new_password1": "battery-staple-7", "new_password2": "battery-staple-7"}
        return api.call("POST", "password/change/", body, token=access)

    def test_it_can_set_one(self, access: str, api: AuthApi, letters: Mailbox) -> None:
        letters.collect()
        assert self.change(api, access).status_code == 200
        assert api.login("alice", "battery-staple-7").json()["code"] == "mfa_required"
        assert [letter.subject for letter in letters.collect()] == ["Your password was changed"]
        # From now on the old password is needed.
        assert self.change(api, access).json() == {
            "old_password": ["Your old password was entered incorrectly. Please enter it again."]
        }

    def test_not_with_an_old_proof(self, access: str, api: AuthApi) -> None:
        Session.objects.update(auth_time=clock.now() - timedelta(minutes=11))
        answer = self.change(api, access)
        assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_required")
        assert not User.objects.get().has_usable_password()
