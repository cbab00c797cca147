"""Logging out: the session ends once, by itself or by its refresh token."""

from typing import Any

import pytest

from accounts.core.errors import ErrorCode
from accounts.flows.log_out import log_out, log_out_by_token
from accounts.models import SecurityEvent, Session
from tests.flows.context import client, event, logged_in, mailed, recorded, refusal, signed_up

pytestmark = pytest.mark.django_db


def test_the_session_ends_and_no_other() -> None:
    user = signed_up()
    session, other = logged_in().session, logged_in().session
    log_out(session=session, context=client().by_user(user.pk))
    assert list(Session.objects.filter(ended_at=None)) == [other]
    session.refresh_from_db()
    assert session.end_reason == "logged_out"
    assert (recorded(), mailed()) == ([event("session_ended", "user")], [])
    found = SecurityEvent.objects.get()
    assert (found.session_id, found.detail) == (session.pk, "logged_out")


def test_a_session_that_is_ended_stays_as_it_is(rows: Any) -> None:
    user = signed_up()
    session = logged_in().session
    log_out(session=session, context=client().by_user(user.pk))
    before, ended_at = rows(), Session.objects.get().ended_at
    log_out(session=session, context=client().by_user(user.pk))
    assert (rows(), Session.objects.get().ended_at) == (before, ended_at)


def test_by_the_refresh_token_of_another_session() -> None:
    user = signed_up()
    session, other = logged_in().session, logged_in()
    context = client().by_user(user.pk)
    log_out_by_token(session=session, refresh_token=other.tokens.refresh, context=context)
    assert list(Session.objects.filter(ended_at=None)) == [session]
    assert recorded() == [event("session_ended", "user")]


def test_refresh_tokens_that_are_refused(rows: Any) -> None:
    signed_up()
    signed_up("bob")
    session, bobs = logged_in().session, logged_in("bob").tokens
    before = rows()
    for token in (bobs.refresh, bobs.access, "x"):
        refused = refusal(log_out_by_token, session=session, refresh_token=token)
        assert refused.code == ErrorCode.TOKEN_NOT_VALID
    assert rows() == before
    assert Session.objects.filter(ended_at=None).count() == 2
