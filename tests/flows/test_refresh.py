"""Rotating a session with its refresh token, and tokens that are used again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from accounts.core import clock
from accounts.core.errors import ErrorCode
from accounts.flows.refresh import refresh, renew_access
from accounts.models import Session, User
from accounts.services import sessions
from tests.flows.context import ADDRESS, client, event, logged_in, mailed, recorded, refusal, signed_up
from tests.servers import ON_POSTGRES

pytestmark = pytest.mark.django_db


def test_the_next_tokens_and_within_the_grace_the_same(rows: Any) -> None:
    signed_up()
    login = logged_in()
    before = rows()
    with time_machine.travel(clock.now() + timedelta(minutes=5), tick=False):
        following = refresh(token=login.tokens.refresh, context=client())
        assert sessions.authenticate(following.access).pk == login.session.pk
        session = Session.objects.get()
        assert (session.rotated_at, session.last_used_at) == (clock.now(), clock.now())
    with time_machine.travel(session.rotated_at + timedelta(seconds=10), tick=False):
        assert refresh(token=login.tokens.refresh, context=client()).refresh == following.refresh
    assert following.refresh != login.tokens.refresh
    assert rows() == before


@pytest.mark.parametrize("flow", [refresh, renew_access])
def test_a_token_that_is_used_again_ends_its_session(flow: Any) -> None:
    signed_up()
    login = logged_in()
    following = refresh(token=login.tokens.refresh, context=client())
    refresh(token=following.refresh, context=client())
    with time_machine.travel(clock.now() + timedelta(seconds=31), tick=False):
        assert refusal(flow, token=login.tokens.refresh).code == ErrorCode.TOKEN_NOT_VALID
    assert Session.objects.get().end_reason == "refresh_token_reused"
    assert recorded() == [event("session_ended"), event("refresh_token_reused")]
    assert mailed() == [("refresh_token_reused", ADDRESS)]


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite runs on the clock of its worker")
@pytest.mark.parametrize("ahead", [timedelta(seconds=-20), timedelta(seconds=20)])
def test_the_grace_counts_by_the_clock_of_the_database(ahead: timedelta, monkeypatch: Any) -> None:
    """Two workers. The clock of the one that rotates the session twice is wrong by 20 s."""
    signed_up()
    login = logged_in()
    with time_machine.travel(clock.now(), tick=False) as present:
        with monkeypatch.context() as other_worker:
            other_worker.setattr(clock, "now", lambda: datetime.now(UTC) + ahead)
            following = refresh(token=login.tokens.refresh, context=client())
            current = refresh(token=following.refresh, context=client())
        present.shift(timedelta(seconds=30))
        assert refresh(token=login.tokens.refresh, context=client()).refresh == current.refresh
        present.shift(timedelta(microseconds=1))
        assert refusal(refresh, token=login.tokens.refresh).code == ErrorCode.TOKEN_NOT_VALID
    assert Session.objects.get().end_reason == "refresh_token_reused"


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite runs on the clock of its worker")
def test_what_was_shown_is_noted_by_the_clock_of_the_database(monkeypatch: Any) -> None:
    signed_up()
    login = logged_in()
    with time_machine.travel(clock.now(), tick=False):
        present = clock.now()
        with monkeypatch.context() as other_worker:
            other_worker.setattr(clock, "now", lambda: present + timedelta(seconds=20))
            renew_access(token=login.tokens.refresh, context=client())
    assert Session.objects.values_list("shown_at", "last_used_at").get() == (present, present)


def test_an_access_token_alone_leaves_the_refresh_token_as_it_is() -> None:
    signed_up()
    login = logged_in()
    access = renew_access(token=login.tokens.refresh, context=client())
    assert sessions.authenticate(access).pk == login.session.pk
    assert Session.objects.get().refresh_hash == login.session.refresh_hash
    assert (recorded(), mailed()) == ([], [])


@pytest.mark.parametrize("flow", [refresh, renew_access])
def test_tokens_of_no_live_session(flow: Any, rows: Any) -> None:
    signed_up()
    login = logged_in()
    Session.objects.update(ended_at=clock.now(), end_reason="logged_out")
    before, session = rows(), Session.objects.values().get()
    for token in (login.tokens.refresh, login.tokens.access, "x"):
        assert refusal(flow, token=token).code == ErrorCode.TOKEN_NOT_VALID
    assert (rows(), Session.objects.values().get()) == (before, session)


def test_a_visit_is_noted_after_an_hour() -> None:
    signed_up()
    login = logged_in()
    visit = User.objects.get().last_visit
    for after, noted in ((timedelta(hours=1), visit), (timedelta(hours=1, seconds=1), visit + timedelta(seconds=3601))):
        with time_machine.travel(visit + after, tick=False):
            renew_access(token=login.tokens.refresh, context=client())
            assert User.objects.get().last_visit == noted
