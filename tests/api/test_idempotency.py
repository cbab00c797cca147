"""The header Idempotency-Key: a client repeats a request after a lost answer, and nothing happens twice."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts.core import clock
from accounts.flows import keep_answer
from accounts.flows.purge_expired import purge_expired
from accounts.models import IdempotentRequest, Message, SecurityEvent, Session, User
from accounts.services import idempotency
from tests.clients.authapi import PASSWORD, AuthApi
from tests.mailbox import Mailbox, code_in, link_values

pytestmark = pytest.mark.django_db
KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
ALICE = {"username": "alice", "email": "alice@example.org", "password1": PASSWORD, "password2": PASSWORD}
NEW = "battery-staple-7"
NEW_PASSWORD = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}


def everything() -> tuple[Any, ...]:
    """Everything that a repetition must not change."""
    tables = (User, Session, SecurityEvent, Message, IdempotentRequest)
    return tuple(list(table._default_manager.order_by("pk").values()) for table in tables)


def assert_is_repeated(api: AuthApi, path: str, body: dict[str, Any] | None = None, **kwargs: Any) -> Any:
    """Sends the request three times. The second and the third must change nothing and get the first answer."""
    first = api.call("POST", path, body, headers=KEY, **kwargs)
    assert first.status_code in (200, 201), first.content
    after = everything()
    for _ in range(2):
        again = api.call("POST", path, body, headers=KEY, **kwargs)
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        assert everything() == after
    return first


@pytest.mark.parametrize("body", ["json", "form", "multipart"])
def test_a_registration(body: str) -> None:
    api = AuthApi(body)
    answer = assert_is_repeated(api, "registration/", ALICE)
    assert api.user(answer.json()["access"]).status_code == 200
    assert (User.objects.count(), Message.objects.count(), Session.objects.count()) == (1, 1, 1)


def test_a_registration_where_verification_is_mandatory(api: AuthApi, settings: Any) -> None:
    settings.EMAIL_VERIFICATION = "mandatory"
    assert_is_repeated(api, "registration/", ALICE)
    IdempotentRequest.objects.all().delete()
    # The address is taken now, and the answer does not reveal that.
    assert_is_repeated(api, "registration/", {**ALICE, "username": "alice2"})
    assert User.objects.count() == 1


def test_a_login(api: AuthApi, alice: Any) -> None:
    assert_is_repeated(api, "login/", {"username": "alice", "password": PASSWORD})


def test_a_login_with_a_mailed_code(api: AuthApi, verified_alice: Any, letters: Mailbox) -> None:
    assert_is_repeated(api, "login/code/", {"email": "alice@example.org"})
    body = {"email": "alice@example.org", "code": code_in(letters.only())}
    first = api.call("POST", "login/code/confirm/", body, headers={"Idempotency-Key": "another"})
    after = everything()
    again = api.call("POST", "login/code/confirm/", body, headers={"Idempotency-Key": "another"})
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert everything() == after


def test_a_login_with_a_mailed_code_whose_answer_was_never_kept(
    api: AuthApi, verified_alice: Any, monkeypatch: Any
) -> None:
    """The code is spent. The answer says so, and the client asks for another one."""
    monkeypatch.setattr("accounts.api.authapi.repeats.PAUSE", 0)
    body = {"email": "alice@example.org", "code": api.login_code("alice@example.org")}
    with monkeypatch.context() as killed:
        killed.setattr(keep_answer.idempotency, "keep", lambda *_: None)
        assert api.call("POST", "login/code/confirm/", body, headers=KEY).status_code == 200
    after = everything()
    for _ in range(2):
        answer = api.call("POST", "login/code/confirm/", body, headers=KEY)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_code")
        assert everything() == after


def test_a_change_of_the_password_also_with_the_next_access_token(api: AuthApi, alice: Any) -> None:
    answer = assert_is_repeated(api, "password/change/", NEW_PASSWORD, token=alice["access"])
    access = api.refresh(alice["refresh"]).json()["access"]
    again = api.call("POST", "password/change/", NEW_PASSWORD, token=access, headers=KEY)
    assert (again.status_code, again.json()) == (200, answer.json())


def test_a_reset_of_the_password(api: AuthApi, alice: Any, letters: Mailbox) -> None:
    letters.collect()
    assert_is_repeated(api, "password/reset/", {"email": "alice@example.org"})
    values = link_values(letters.only())
    other = {"Idempotency-Key": "another"}
    body = {**values, "new_password1": NEW, "new_password2": NEW}
    first = api.call("POST", "password/reset/confirm/", body, headers=other)
    after = everything()
    again = api.call("POST", "password/reset/confirm/", body, headers=other)
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert everything() == after


def test_a_verification(api: AuthApi, alice: Any, letters: Mailbox) -> None:
    assert_is_repeated(api, "registration/verify-email/", link_values(letters.only()))


def test_a_mail_that_is_sent_again(api: AuthApi, alice: Any) -> None:
    assert_is_repeated(api, "registration/resend-email/", {"email": "alice@example.org"})
    assert Message.objects.filter(kind="verification").count() == 2


def test_the_end_of_sessions(api: AuthApi, alice: Any) -> None:
    other = api.login("alice").json()
    answer = assert_is_repeated(api, "sessions/end-others/", token=other["access"])
    assert answer.json() == {"ended": 1}


def test_a_log_out_whose_session_is_over(api: AuthApi, alice: Any) -> None:
    assert_is_repeated(api, "logout/", token=alice["access"])


@pytest.mark.parametrize(
    ("path", "body"),
    [("registration/", {**ALICE, "username": "bob", "email": "bob@example.org"}), ("login/", ALICE)],
)
def test_a_key_of_another_request(path: str, body: dict[str, Any], api: AuthApi) -> None:
    assert api.call("POST", "registration/", ALICE, headers=KEY).status_code == 201
    before = everything()
    answer = api.call("POST", path, body, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert everything() == before


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "ключ", "a\tb"])
def test_no_key(key: str, api: AuthApi, rows: Any) -> None:
    before = rows()
    answer = api.call("POST", "registration/", ALICE, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_invalid")
    assert rows() == before


def test_a_refusal_is_not_kept(api: AuthApi) -> None:
    assert api.call("POST", "registration/", {**ALICE, "username": "a b"}, headers=KEY).status_code == 400
    assert IdempotentRequest.objects.count() == 0
    assert_is_repeated(api, "registration/", ALICE)


def test_two_users_may_have_the_same_key(api: AuthApi, alice: Any) -> None:
    bob = api.register("bob").json()
    for user in (alice, bob):
        assert api.call("POST", "logout/", token=user["access"], headers=KEY).status_code == 200
        assert api.user(user["access"]).status_code == 401


def test_an_invalid_token_is_refused(api: AuthApi, alice: Any) -> None:
    assert api.call("POST", "logout/", token=alice["access"], headers=KEY).status_code == 200
    assert api.call("POST", "logout/", token="x", headers=KEY).status_code == 401


def test_a_request_without_a_key_is_as_before(api: AuthApi, alice: Any) -> None:
    assert api.register("alice").status_code == 400
    assert IdempotentRequest.objects.count() == 0


def test_an_answer_is_kept_for_a_day(api: AuthApi, alice: Any) -> None:
    login = {"username": "alice", "password": PASSWORD}
    with time_machine.travel(clock.now(), tick=False) as present:
        first = api.call("POST", "login/", login, headers=KEY).json()
        present.shift(idempotency.KEPT - timedelta(microseconds=1))
        assert api.call("POST", "login/", login, headers=KEY).json() == first
        present.shift(timedelta(microseconds=1))
        assert api.call("POST", "login/", login, headers=KEY).json() != first
        assert IdempotentRequest.objects.count() == 1
        present.shift(idempotency.KEPT + timedelta(microseconds=1))
        assert ("repeated requests", 1) in [(purged.name, purged.rows) for purged in purge_expired()]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("registration/", ALICE, 201), ("login/", {"username": "bob", "password": PASSWORD}, 200)],
)
def test_a_worker_that_was_killed_before_it_answered(
    path: str, body: dict[str, Any], status: int, api: AuthApi, monkeypatch: Any
) -> None:
    """The act is done, and its answer was not stored. The client still gets tokens."""
    api.register("bob")
    monkeypatch.setattr("accounts.api.authapi.repeats.PAUSE", 0)
    with monkeypatch.context() as killed:
        killed.setattr(keep_answer.idempotency, "keep", lambda *_: None)
        assert api.call("POST", path, body, headers=KEY).status_code == status
    users = User.objects.count()
    answer = assert_is_repeated(api, path, body)
    assert answer.status_code == status
    assert api.user(answer.json()["access"]).status_code == 200
    assert User.objects.count() == users


def test_a_worker_that_was_killed_before_it_said_yes(api: AuthApi, alice: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("accounts.api.authapi.repeats.PAUSE", 0)
    with monkeypatch.context() as killed:
        killed.setattr(keep_answer.idempotency, "keep", lambda *_: None)
        api.call("POST", "password/change/", NEW_PASSWORD, token=alice["access"], headers=KEY)
    events = SecurityEvent.objects.count()
    answer = assert_is_repeated(api, "password/change/", NEW_PASSWORD, token=alice["access"])
    assert answer.json() == {"detail": "This was done before."}
    assert SecurityEvent.objects.count() == events


def test_what_is_kept_holds_no_token(api: AuthApi) -> None:
    tokens = api.call("POST", "registration/", ALICE, headers=KEY).json()
    row = str(IdempotentRequest.objects.values().get())
    for secret in (tokens["access"], tokens["refresh"], PASSWORD, "alice", "8e03978e"):
        assert secret not in row


@pytest.mark.parametrize("depth", [300, 700, 900, 950, 980, 990, 1000, 100_000])
def test_a_body_that_is_nested_deeply(depth: int, api: AuthApi, alice: Any, rows: Any) -> None:
    before = rows()
    body = '{"username": ' + "[" * depth + "]" * depth + "}"
    answer = api.send("POST", "/api/auth/login/", data=body, content_type="application/json", headers=KEY)
    assert answer.status_code == 400
    assert rows() == before
