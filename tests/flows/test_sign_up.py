"""Signing up: the account, its session and its mail; with a mailed code; and what is refused."""

import re
from typing import Any

import pytest

from accounts.core.errors import ErrorCode
from accounts.flows.request_code import request_code
from accounts.flows.sign_up import sign_up, sign_up_with_code
from accounts.models import Message, Session, User
from accounts.services import sessions
from tests.clients.authapi import PASSWORD
from tests.flows.context import ADDRESS, client, event, forget, mailed, recorded, refusal, signed_up

pytestmark = pytest.mark.django_db


def code() -> str:
    """The code that was just mailed to alice's address."""
    request_code(email=ADDRESS, context=client())
    (found,) = re.findall(r"\b\d{6}\b", Message.objects.get().text)
    forget()
    return str(found)


def test_a_session_begins_where_verification_is_optional() -> None:
    answer = sign_up(username="alice", email="alice@EXAMPLE.org", password=PASSWORD, context=client())
    user, session = User.objects.get(), Session.objects.get()
    assert (answer.user.pk, user.username, user.email, user.language) == (user.pk, "alice", ADDRESS, "en")
    assert (user.email_verified, user.is_staff, user.is_superuser) == (False, False, False)
    assert answer.tokens is not None
    assert sessions.authenticate(answer.tokens.access).pk == session.pk
    assert (session.user_id, session.ip, session.user_agent) == (user.pk, "203.0.113.7", "Test/1")
    assert (session.dialect, session.kind, session.amr) == ("authapi", "api", "pwd")
    assert recorded() == [event("registered", "user"), event("logged_in", "user")]
    assert mailed() == [("verification", ADDRESS)]


def test_a_taken_name_or_address_is_refused(rows: Any) -> None:
    signed_up()
    before = rows()
    refused = refusal(sign_up, username="ALICE", email="bob@example.org", password=PASSWORD)
    assert refused.code == ErrorCode.USERNAME_TAKEN
    refused = refusal(sign_up, username="bob", email="Alice@example.org", password=PASSWORD)
    assert refused.code == ErrorCode.EMAIL_TAKEN
    assert refusal(sign_up, username="bob", email="bob", password=PASSWORD).code == ErrorCode.EMAIL_INVALID
    assert rows() == before


def test_a_taken_address_is_not_told_where_verification_is_mandatory(settings: Any) -> None:
    settings.EMAIL_VERIFICATION = "mandatory"
    owner = signed_up()
    answer = sign_up(username="bob", email=ADDRESS, password=PASSWORD, context=client())
    assert (answer.user.username, answer.user.email, answer.tokens) == ("bob", ADDRESS, None)
    assert answer.user.pk != owner.pk
    assert User.objects.get().username == "alice"
    assert Session.objects.count() == 0
    assert recorded() == [event("registration_refused")]
    assert mailed() == [("registration_attempt", ADDRESS)]


def test_a_code_verifies_the_address() -> None:
    tokens = sign_up_with_code(username="alice", email=ADDRESS, password=PASSWORD, code=code(), context=client())
    user, session = User.objects.get(), Session.objects.get()
    assert tokens is not None
    assert sessions.authenticate(tokens.access).pk == session.pk
    assert (user.username, user.email_verified, session.amr) == ("alice", True, "pwd otp")
    assert recorded() == [event("registered", "user"), event("logged_in", "user")]
    assert mailed() == []


def test_a_wrong_code_makes_no_account() -> None:
    wrong = f"{(int(code()) + 1) % 10**6:06d}"
    refused = refusal(sign_up_with_code, username="alice", email=ADDRESS, password=PASSWORD, code=wrong)
    assert refused.code == ErrorCode.INVALID_CODE
    assert (User.objects.count(), Session.objects.count(), mailed()) == (0, 0, [])
    assert recorded() == [event("code_refused", username=None)]
