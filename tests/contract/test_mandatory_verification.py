"""With EMAIL_VERIFICATION=mandatory the session of an unverified user is refused until the user is verified.

Such sessions exist after a change of the setting, with EMAIL_CHANGE=immediate, or after an administrator's act.
"""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Session, User
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex
from tests.clients.fastapi_users import FastAPIUsers
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db
NOT_VERIFIED = {"detail": "E-mail is not verified.", "code": "email_not_verified"}
FORBIDDEN = {"detail": "Forbidden"}
ADDRESS = "alice@example.org"


@pytest.fixture(autouse=True)
def _later_mandatory(alice: Any, settings: Any) -> None:
    """Alice has logged in, unverified, before the operator changed the setting."""
    settings.EMAIL_VERIFICATION = "mandatory"


def test_the_authapi_answers_403_and_changes_nothing(api: AuthApi, alice: Any, rows: Any) -> None:
    before = rows()
    token = alice["access"]
    answers = [
        api.user(token),
        api.call("PATCH", "user/", {"username": "other"}, token=token),
        api.call("GET", "sessions/", token=token),
        api.call("GET", "events/", token=token),
        api.call("POST", "sessions/end-others/", token=token),
        api.call("DELETE", f"sessions/{Session.objects.get().pk}/", token=token),
        api.change_password(token, PASSWORD, "another-horse-9"),
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(403, NOT_VERIFIED)] * 7
    assert rows() == before
    assert User.objects.get().username == "alice"


def test_no_token_of_it_is_good_elsewhere(api: AuthApi, alice: Any) -> None:
    session = Session.objects.get()
    for answer in (api.verify(alice["access"]), api.verify(alice["refresh"]), api.refresh(alice["refresh"])):
        assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")
    assert Session.objects.get().refresh_hash == session.refresh_hash


@pytest.mark.parametrize("older", [False, True])
def test_durudex_answers_unauthorized(alice: Any, older: bool) -> None:
    durudex = Durudex(older=older)
    for answer in (durudex.me(alice["access"]), durudex.refresh(alice["refresh"])):
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHORIZED"
    assert durudex.me(alice["access"]).json()["errors"][0]["message"] == "E-mail is not verified."


def test_fastapi_users_answers_403_as_the_package(alice: Any, settings: Any, rows: Any) -> None:
    settings.EMAIL_VERIFICATION = "optional"
    client = FastAPIUsers()
    token, cookie = client.token(ADDRESS), client.cookie_login(ADDRESS).cookies["fastapiusersauth"].value
    User.objects.update(is_superuser=True)
    settings.EMAIL_VERIFICATION = "mandatory"
    before = rows()
    user_id = alice["user"]["pk"]
    answers = [
        client.me(token),
        client.me(cookie=cookie),
        client.change_me(token, email="new@example.org"),
        client.read(user_id, token),
        client.change(user_id, token, is_active=False),
        client.delete(user_id, token),
        client.logout(token),
        client.cookie_logout(cookie),
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(403, FORBIDDEN)] * 8
    assert rows() == before


def test_the_admin_asks_to_log_in(settings: Any) -> None:
    User.objects.update(is_staff=True, is_superuser=True)
    settings.EMAIL_VERIFICATION = "optional"
    browser = Client()
    browser.post("/admin/login/", {"username": "alice", "password": PASSWORD})
    assert browser.get("/admin/").status_code == 200
    settings.EMAIL_VERIFICATION = "mandatory"
    assert browser.get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"


def test_a_verification_makes_the_session_good_again(api: AuthApi, alice: Any, letters: Mailbox) -> None:
    assert api.resend(ADDRESS).status_code == 200
    assert api.verify_email(link_values(letters.collect()[-1])["key"]).status_code == 200
    assert api.user(alice["access"]).status_code == 200
    assert api.refresh(alice["refresh"]).status_code == 200


def test_one_may_leave_all_the_same(api: AuthApi, alice: Any) -> None:
    assert api.logout(alice["access"]).status_code == 200
    assert Session.objects.get().ended_at is not None


@pytest.mark.usefixtures("immediate")
def test_a_new_address_has_to_be_verified_first(alice: Any, settings: Any, letters: Mailbox) -> None:
    settings.EMAIL_VERIFICATION = "optional"
    client = FastAPIUsers()
    token = client.token(ADDRESS)
    settings.EMAIL_VERIFICATION = "mandatory"
    AuthApi().verify_email(link_values(letters.collect()[-1])["key"])
    assert client.change_me(token, email="new@example.org").status_code == 200
    assert client.me(token).json() == FORBIDDEN
    verification = next(mail for mail in letters.collect() if mail.subject == "Verify your e-mail address")
    client.verify(link_values(verification)["key"])
    assert client.me(token).json()["email"] == "new@example.org"
