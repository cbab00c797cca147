"""Bad input and policies of second factors over the AuthApi."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.core import clock
from accounts.models import RecoveryCode, SecurityEvent, Session, TotpFactor, User
from accounts.services.factors import recovery_codes, totp
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex
from tests.clients.fastapi_users import FastAPIUsers
from tests.mailbox import Mailbox, link_values
from tests.second_factors import enrol
from tests.statements import Statements

pytestmark = pytest.mark.django_db
NOON = "2026-11-26T12:00:00Z"


def challenge(api: AuthApi) -> str:
    return str(api.login("alice").json()["challenge"])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"challenge": "x"},
        {"code": "123456"},
        {"challenge": "", "code": "123456"},
        {"challenge": 1, "code": "123456"},
        {"challenge": "x", "code": 123456},
        {"challenge": ["x"], "code": "1"},
        {"challenge": "x" * 100_000, "code": "1" * 100_000},
        {"challenge": "x\0", "code": "\0"},
    ],
)
def test_invalid_answers_change_nothing(body: dict[str, Any], api: AuthApi, alice: Any, rows: Any) -> None:
    before = rows()
    assert api.call("POST", "mfa/verify/", body).status_code == 400
    assert rows() == before


@pytest.mark.parametrize(
    "code", ["", " ", "12345", "1234567", "１２３４５６", "-12345", "1e5", "x" * 5000, "\0\0\0\0\0\0"]
)
def test_invalid_codes_are_refused(code: str, api: AuthApi, alice: Any, rows: Any) -> None:
    enrol(alice["access"])
    before = Session.objects.count()
    answer = api.call("POST", "mfa/verify/", {"challenge": challenge(api), "code": code})
    assert answer.status_code == 400
    assert Session.objects.count() == before
    assert (TotpFactor.objects.count(), RecoveryCode.objects.count()) == (1, 10)


def test_an_app_counts_once_it_was_confirmed(api: AuthApi, alice: Any) -> None:
    offer = api.call("GET", "mfa/totp/activate/", token=alice["access"]).json()
    assert offer["totp_url"].startswith("otpauth://totp/127.0.0.1%3A8000:alice%40example.org?secret=" + offer["secret"])
    assert offer["qr_code_data_uri"].startswith("data:image/svg+xml")
    assert api.login("alice").status_code == 200
    for token, code, said in (
        (offer["activation_token"], "000000", {"code": "invalid_code"}),
        (offer["activation_token"][:-4] + "AAAA", "000000", {"activation_token": None}),
        ("x" * 5000, "000000", {"activation_token": None}),
    ):
        answer = api.call(
            "POST", "mfa/totp/activate/", {"activation_token": token, "code": code}, token=alice["access"]
        )
        assert answer.status_code == 400
        assert answer.json().items() >= {k: v for k, v in said.items() if v}.items()
        assert set(said) <= set(answer.json())
    assert (TotpFactor.objects.count(), User.objects.get().has_second_factor) == (0, False)


def test_an_offer_is_of_one_user_and_ten_minutes(api: AuthApi, alice: Any) -> None:
    bob = api.register("bob").json()
    offer = api.call("GET", "mfa/totp/activate/", token=alice["access"]).json()
    body = {"activation_token": offer["activation_token"], "code": "000000"}
    answer = api.call("POST", "mfa/totp/activate/", body, token=bob["access"])
    assert (answer.status_code, list(answer.json())) == (400, ["activation_token"])
    with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=2), tick=False):
        api.call("POST", "reauthenticate/", {"password": PASSWORD}, token=alice["access"])
        answer = api.call("POST", "mfa/totp/activate/", body, token=api.refresh(alice["refresh"]).json()["access"])
        assert answer.status_code in (400, 403)
    assert TotpFactor.objects.count() == 0


def test_a_second_app(api: AuthApi, alice: Any) -> None:
    enrol(alice["access"])
    answer = api.call("GET", "mfa/totp/activate/", token=alice["access"])
    assert (answer.status_code, answer.json()["code"]) == (409, "factor_exists")


def test_status(api: AuthApi, alice: Any) -> None:
    def status() -> Any:
        return api.call("GET", "mfa/status/", token=alice["access"]).json()

    none = {"mfa_enabled": False, "created_at": None, "last_used_at": None, "factors": [], "recovery_codes_left": 0}
    assert status() == none
    enrol(alice["access"])
    assert status()["factors"] == ["totp", "recovery_code"]
    assert (status()["mfa_enabled"], status()["recovery_codes_left"]) == (True, 10)
    assert api.call("GET", "mfa/recovery-codes/", token=alice["access"]).json() == {"left": 10}


def test_adding_ends_the_other_sessions(api: AuthApi, alice: Any) -> None:
    other = api.login("alice").json()["access"]
    enrol(alice["access"])
    assert (api.user(alice["access"]).status_code, api.user(other).status_code) == (200, 401)


def test_secrets_at_rest(api: AuthApi, alice: Any) -> None:
    authenticator = enrol(alice["access"])
    kept = str(list(TotpFactor.objects.values())) + str(list(RecoveryCode.objects.values()))
    for secret in (authenticator.secret, *authenticator.recovery_codes):
        assert secret not in kept
        assert secret.replace("-", "") not in kept


def test_new_recovery_codes(api: AuthApi, alice: Any) -> None:
    authenticator = enrol(alice["access"])
    answer = api.call("POST", "mfa/recovery-codes/regenerate/", token=alice["access"])
    codes = answer.json()["codes"]
    assert (answer.status_code, len(set(codes))) == (200, 10)
    old = {"challenge": challenge(api), "code": authenticator.recovery_codes[0]}
    assert api.call("POST", "mfa/verify/", old).status_code == 400
    assert api.call("POST", "mfa/verify/", {"challenge": challenge(api), "code": codes[0]}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "mfa/totp/deactivate/"), ("POST", "mfa/recovery-codes/regenerate/"), ("GET", "mfa/totp/activate/")],
)
def test_a_recent_proof(method: str, path: str, api: AuthApi, alice: Any) -> None:
    if method == "POST":
        authenticator = enrol(alice["access"])
    with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1), tick=False):
        access = api.refresh(alice["refresh"]).json()["access"]
        before = (TotpFactor.objects.count(), list(RecoveryCode.objects.values()))
        answer = api.call(method, path, {} if method == "POST" else None, token=access)
        assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_required")
        assert (TotpFactor.objects.count(), list(RecoveryCode.objects.values())) == before
        wrong = api.call("POST", "reauthenticate/", {"password": "wrong-horse-9"}, token=access)
        assert (wrong.status_code, list(wrong.json())) == (400, ["password"])
        assert api.call(method, path, {} if method == "POST" else None, token=access).status_code == 403
        proof = {"password": PASSWORD} if method == "GET" else {"code": authenticator.at(clock.now())}
        assert api.call("POST", "reauthenticate/", proof, token=access).status_code == 200
        assert api.call(method, path, {} if method == "POST" else None, token=access).status_code == 200


@pytest.mark.parametrize("body", [{}, {"password": PASSWORD, "code": "000000"}, {"password": 1}, {"code": None}])
def test_an_invalid_proof_changes_nothing(body: dict[str, Any], api: AuthApi, alice: Any) -> None:
    before = Session.objects.values().get()
    assert api.call("POST", "reauthenticate/", body, token=alice["access"]).status_code == 400
    assert Session.objects.values().get() == before


@time_machine.travel(NOON, tick=False)
def test_twenty_wrong_codes_an_hour_whatever_the_door(db: Any, api: AuthApi) -> None:
    authenticator = enrol(api.register("alice").json()["access"])
    statuses = []
    for _ in range(6):
        asked = challenge(api)
        for _ in range(4):
            answer = api.call("POST", "mfa/verify/", {"challenge": asked, "code": authenticator.wrong()})
            statuses.append(answer.status_code)
    assert statuses == [400] * 20 + [429] * 4
    answer = api.call("POST", "mfa/verify/", {"challenge": asked, "code": authenticator.next()})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3600")
    assert SecurityEvent.objects.filter(kind="factor_refused").count() == 20
    assert Session.objects.filter(ended_at=None).count() == 1


@time_machine.travel(NOON, tick=False)
def test_the_owner_gets_in_from_where_they_were_before(db: Any) -> None:
    stranger, owner = AuthApi(), AuthApi()
    authenticator = enrol(owner.register("alice").json()["access"])
    for _ in range(4):
        asked = stranger.call("POST", "login/", {"username": "alice", "password": PASSWORD}, REMOTE_ADDR="203.0.113.9")
        for _ in range(5):
            body = {"challenge": asked.json()["challenge"], "code": authenticator.wrong()}
            stranger.call("POST", "mfa/verify/", body, REMOTE_ADDR="203.0.113.9")
    asked = stranger.call("POST", "login/", {"username": "alice", "password": PASSWORD}, REMOTE_ADDR="203.0.113.9")
    body = {"challenge": asked.json()["challenge"], "code": authenticator.next()}
    assert stranger.call("POST", "mfa/verify/", body, REMOTE_ADDR="203.0.113.9").status_code == 429
    body = {"challenge": challenge(owner), "code": authenticator.now()}
    assert owner.call("POST", "mfa/verify/", body).status_code == 200


def test_a_login_without_a_factor_runs_as_many_statements_as_before(api: AuthApi, alice: Any) -> None:
    with Statements() as statements:
        assert api.login("alice").status_code == 200
    said = " ".join(statements.sql)
    assert [table for table in ("totpfactor", "challenge", "recoverycode") if table in said] == []


class TestPolicy:
    def test_who_has_to_add_one_can_do_nothing_else(self, api: AuthApi, alice: Any, settings: Any) -> None:
        settings.MFA = "required"
        token = alice["access"]
        answer = api.user(token)
        assert (answer.status_code, answer.json()["code"]) == (403, "mfa_enrolment_required")
        assert api.call("POST", "sessions/end-others/", token=token).status_code == 403
        assert api.verify(token).status_code == 401
        assert FastAPIUsers().me(token).json() == {"detail": "MFA_ENROLMENT_REQUIRED"}
        (error,) = Durudex().me(token).json()["errors"]
        assert error["extensions"]["code"] == "UNAUTHORIZED"
        assert api.call("GET", "mfa/status/", token=token).status_code == 200
        assert api.refresh(alice["refresh"]).status_code == 200
        enrol(token)
        assert api.user(token).status_code == 200

    def test_who_has_to_add_one_may_leave(self, api: AuthApi, alice: Any, settings: Any) -> None:
        settings.MFA = "required"
        assert api.call("POST", "logout/", token=alice["access"]).status_code == 200

    def test_staff_alone(self, api: AuthApi, alice: Any, settings: Any) -> None:
        settings.MFA = "required_for_staff"
        assert api.user(alice["access"]).status_code == 200
        User.objects.update(is_staff=True)
        assert api.user(alice["access"]).status_code == 403


class TestAdmin:
    def log_in(self) -> Client:
        User.objects.filter(username="alice").update(is_staff=True, is_superuser=True)
        browser = Client()
        assert browser.post("/admin/login/", {"username": "alice", "password": PASSWORD}).status_code == 302
        return browser

    def test_staff_who_have_to_add_one_get_to_that_page_alone(self, alice: Any, settings: Any) -> None:
        settings.MFA = "required_for_staff"
        browser = self.log_in()
        assert browser.get("/admin/").status_code == 302
        assert browser.get("/admin/login/").headers["Location"] == "/admin/second-factor/"
        page = browser.get("/admin/second-factor/")
        assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
        secret, token = page.context["offer"].secret, page.context["offer"].token
        # A wrong code keeps the secret that was scanned.
        again = browser.post("/admin/second-factor/", {"token": token, "code": "000000"})
        assert again.context["offer"].secret == secret
        import pyotp

        code = pyotp.TOTP(secret).now()
        done = browser.post("/admin/second-factor/", {"token": again.context["offer"].token, "code": code})
        assert len(done.context["codes"]) == 10
        assert browser.get("/admin/").status_code == 200

    def test_one_is_removed_with_a_code(self, alice: Any) -> None:
        browser = self.log_in()
        authenticator = enrol(AuthApi().login("alice").json()["access"])
        browser = Client()
        page = browser.post("/admin/login/", {"username": "alice", "password": PASSWORD, "next": "/admin/accounts/"})
        asked = page.context["form"].initial
        assert asked["next"] == "/admin/accounts/"
        answer = browser.post("/admin/login/second-factor/", {**asked, "code": authenticator.next()})
        assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/accounts/")
        page = browser.post("/admin/second-factor/", {"code": "000000"})
        assert TotpFactor.objects.count() == 1
        code = authenticator.recovery_codes[0]
        assert "removed" in browser.post("/admin/second-factor/", {"code": code}).context
        assert TotpFactor.objects.count() == 0

    def test_no_way_on_to_another_site(self, alice: Any) -> None:
        self.log_in()
        authenticator = enrol(AuthApi().login("alice").json()["access"])
        browser = Client()
        page = browser.post("/admin/login/", {"username": "alice", "password": PASSWORD})
        asked = {**page.context["form"].initial, "next": "https://evil.example.org/", "code": authenticator.next()}
        answer = browser.post("/admin/login/second-factor/", asked)
        assert answer.headers["Location"] == "/admin/"

    def test_an_administrator_helps(self, alice: Any, api: AuthApi, letters: Mailbox) -> None:
        browser = self.log_in()
        bob = api.register("bob").json()
        enrol(bob["access"])
        letters.collect()
        pk = User.objects.get(username="bob").pk
        body = {"action": "remove_factors", "_selected_action": [str(pk)]}
        assert browser.post("/admin/accounts/user/", body).status_code == 302
        assert TotpFactor.objects.count() == 0
        assert api.user(bob["access"]).status_code == 401
        assert api.login("bob").status_code == 200
        assert [letter.to for letter in letters.collect()] == [["bob@example.org"]]
        event = SecurityEvent.objects.filter(kind="factor_removed").get()
        assert (event.actor_kind, event.detail) == ("administrator", "reset")

    def test_who_may_help(self, alice: Any, api: AuthApi) -> None:
        browser = self.log_in()
        User.objects.filter(username="alice").update(is_superuser=False)
        bob = api.register("bob").json()
        enrol(bob["access"])
        pk = User.objects.get(username="bob").pk
        browser.post("/admin/accounts/user/", {"action": "remove_factors", "_selected_action": [str(pk)]})
        assert TotpFactor.objects.count() == 1


def test_who_is_deleted_leaves_nothing(api: AuthApi, alice: Any) -> None:
    from accounts.core.context import ClientContext, Dialect
    from accounts.flows.administer import delete_user
    from accounts.models import Challenge

    enrol(alice["access"])
    challenge(api)
    api.register("bob")
    user = User.objects.with_address().get(username="alice")
    delete_user(
        user=user,
        context=ClientContext(ip="", user_agent="", language="en", request_id="", dialect=Dialect.COMMAND),
    )
    assert (TotpFactor.objects.count(), RecoveryCode.objects.count(), Challenge.objects.count()) == (0, 0, 0)


def test_a_key_that_was_replaced(alice: Any, api: AuthApi, settings: Any) -> None:
    """Without the old SECRET_KEY no app can be checked. Recovery codes still work."""
    authenticator = enrol(alice["access"])
    settings.SECRET_KEY = "another-secret-key-0123456789-0123456789"
    user = User.objects.get()
    assert totp.spend(user, authenticator.next(), now=clock.now()) is False
    assert recovery_codes.spend(user, authenticator.recovery_codes[0]) is True


def test_a_recovery_code_is_told_of_at_every_door(verified_alice: Any, api: AuthApi, letters: Mailbox) -> None:
    authenticator = enrol(verified_alice["access"])
    letters.collect()
    for path in ("reauthenticate/", "mfa/totp/deactivate/"):
        body = {"code": authenticator.recovery_codes.pop()}
        assert api.call("POST", path, body, token=verified_alice["access"]).status_code == 200
        assert "A recovery code was used" in {letter.subject for letter in letters.collect()}


def test_this_was_not_me_removes_recovery_codes_that_were_made_since(
    verified_alice: Any, api: AuthApi, letters: Mailbox
) -> None:
    authenticator = enrol(verified_alice["access"])
    letters.collect()
    with time_machine.travel(clock.now() + timedelta(minutes=5)):
        change = {"old_password": PASSWORD, "new_password1": "battery-staple-7", "new_password2": "battery-staple-7"}
        access = api.refresh(verified_alice["refresh"]).json()["access"]
        assert api.call("POST", "password/change/", change, token=access).status_code == 200
        (notice,) = letters.collect()
        proof = {"code": authenticator.at(clock.now())}
        assert api.call("POST", "reauthenticate/", proof, token=access).status_code == 200
        assert api.call("POST", "mfa/recovery-codes/regenerate/", {}, token=access).status_code == 200
        assert Client().post("/not-me", link_values(notice)).status_code == 200
    assert (TotpFactor.objects.count(), RecoveryCode.objects.count()) == (1, 0)
