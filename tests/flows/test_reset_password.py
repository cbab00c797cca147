"""Resetting a password, with a mailed token or a mailed code."""

import re
from typing import Any

import pytest

from accounts.core.errors import ErrorCode
from accounts.flows.request_code import request_code
from accounts.flows.reset_password import reset_password, reset_password_with_code
from accounts.models import Message, Session, User
from accounts.services import links
from tests.clients.authapi import NEW_PASSWORD, PASSWORD
from tests.flows.context import ADDRESS, client, event, forget, logged_in, mailed, recorded, refusal, signed_up

pytestmark = pytest.mark.django_db


def code(email: str = ADDRESS) -> str:
    request_code(email=email, context=client())
    (found,) = re.findall(r"\b\d{6}\b", Message.objects.get().text)
    forget()
    return str(found)


def test_a_token_sets_the_password_and_ends_all_sessions() -> None:
    user = signed_up()
    logged_in()
    token = links.reset_token(user)
    reset_password(token=token, uid=links.reset_uid(user), password=NEW_PASSWORD, context=client())
    assert User.objects.get().check_password(NEW_PASSWORD) is True
    assert Session.objects.get().end_reason == "password_reset"
    assert recorded() == [event("session_ended", "user"), event("password_reset", "user")]
    assert mailed() == [("password_changed", ADDRESS)]


def test_tokens_that_are_refused(rows: Any) -> None:
    user, bob = signed_up(), signed_up("bob")
    token, used = links.reset_token(user), links.reset_token(bob)
    reset_password(token=used, password=NEW_PASSWORD, context=client())
    before = rows()
    for wrong in ({"token": token + "x"}, {"token": token, "uid": links.reset_uid(bob)}, {"token": used}):
        assert refusal(reset_password, password="other-horse-9", **wrong).code == ErrorCode.INVALID_RESET_TOKEN
    assert refusal(reset_password, token=token, password="password1").code == ErrorCode.PASSWORD_INVALID
    assert rows() == before
    assert User.objects.get(username="alice").check_password(PASSWORD) is True
    assert User.objects.get(username="bob").check_password(NEW_PASSWORD) is True


def test_a_code_sets_the_password_and_verifies_the_address() -> None:
    signed_up()
    logged_in()
    reset_password_with_code(email=ADDRESS, password=NEW_PASSWORD, code=code(), context=client())
    user = User.objects.with_address().get()
    assert (user.check_password(NEW_PASSWORD), user.email_verified) == (True, True)
    assert Session.objects.get().end_reason == "password_reset"
    assert recorded() == [event(kind, "user") for kind in ("email_verified", "session_ended", "password_reset")]
    assert mailed() == [("password_changed", ADDRESS)]


def test_a_wrong_code_is_recorded_and_changes_nothing() -> None:
    signed_up()
    logged_in()
    wrong = f"{(int(code()) + 1) % 10**6:06d}"
    refused = refusal(reset_password_with_code, email=ADDRESS, password=NEW_PASSWORD, code=wrong)
    assert refused.code == ErrorCode.INVALID_CODE
    assert User.objects.get().check_password(PASSWORD) is True
    assert Session.objects.get().ended_at is None
    assert (recorded(), mailed()) == ([event("code_refused")], [])


def test_what_else_is_refused_with_the_right_code(rows: Any) -> None:
    right, before = code("nobody@example.org"), rows()
    with_code = {"email": "nobody@example.org", "code": right}
    for _ in range(2):
        refused = refusal(reset_password_with_code, password=NEW_PASSWORD, **with_code)
        assert refused.code == ErrorCode.USER_NOT_FOUND
    refused = refusal(reset_password_with_code, password="password1", **with_code)
    assert refused.code == ErrorCode.PASSWORD_INVALID
    assert rows() == before
