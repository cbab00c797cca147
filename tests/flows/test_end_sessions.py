"""Ending sessions: one's own, all others of one's own, and those of other people."""

import uuid
from typing import Any

import pytest

from accounts.core.context import Actor, ActorKind
from accounts.core.errors import ErrorCode
from accounts.flows.end_sessions import end_other_sessions, end_own_session, end_sessions
from accounts.models import Session
from tests.flows.context import client, event, logged_in, mailed, recorded, refusal, signed_up

pytestmark = pytest.mark.django_db
COMMAND = client(actor=Actor(kind=ActorKind.COMMAND))


def ended() -> set[tuple[uuid.UUID, str]]:
    return set(Session.objects.exclude(ended_at=None).values_list("pk", "end_reason"))


def test_one_session_of_ones_own() -> None:
    user = signed_up()
    session, other = logged_in().session, logged_in().session
    end_own_session(session=session, session_id=other.pk, context=client().by_user(user.pk))
    assert ended() == {(other.pk, "ended_by_user")}
    assert (recorded(), mailed()) == ([event("session_ended", "user")], [])


def test_sessions_that_are_not_there_to_be_ended(rows: Any) -> None:
    user = signed_up()
    signed_up("bob")
    session, other, bobs = logged_in().session, logged_in().session, logged_in("bob").session
    end_own_session(session=session, session_id=other.pk, context=client().by_user(user.pk))
    before = rows()
    for session_id in (bobs.pk, other.pk, uuid.uuid4()):
        refused = refusal(end_own_session, session=session, session_id=session_id)
        assert refused.code == ErrorCode.SESSION_NOT_FOUND
    assert (rows(), ended()) == (before, {(other.pk, "ended_by_user")})


def test_all_others_of_ones_own() -> None:
    user = signed_up()
    signed_up("bob")
    session, first, second = (logged_in().session for _ in range(3))
    logged_in("bob")
    context = client().by_user(user.pk)
    assert end_other_sessions(session=session, context=context) == 2
    assert ended() == {(first.pk, "ended_by_user"), (second.pk, "ended_by_user")}
    assert end_other_sessions(session=session, context=context) == 0
    assert recorded() == [event("session_ended", "user")] * 2


def test_of_one_user_then_by_their_ids_then_of_everybody() -> None:
    user = signed_up()
    signed_up("bob")
    first, second = logged_in().session, logged_in().session
    bobs, last = logged_in("bob").session, logged_in("bob").session
    assert end_sessions(user_ids=[user.pk], context=COMMAND) == 2
    assert ended() == {(first.pk, "ended_by_admin"), (second.pk, "ended_by_admin")}
    assert end_sessions(session_ids=[bobs.pk, first.pk], context=COMMAND) == 1
    assert end_sessions(context=COMMAND) == 1
    assert ended() == {(session.pk, "ended_by_admin") for session in (first, second, bobs, last)}
    expected = [event("session_ended", "command")] * 2 + [event("session_ended", "command", "bob")] * 2
    assert (recorded(), mailed()) == (expected, [])


def test_an_empty_choice_ends_nothing(rows: Any) -> None:
    signed_up()
    logged_in()
    before = rows()
    assert end_sessions(user_ids=[], context=COMMAND) == 0
    assert end_sessions(session_ids=[], context=COMMAND) == 0
    assert (rows(), ended()) == (before, set())
