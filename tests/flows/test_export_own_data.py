import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts.core import clock
from accounts.core.errors import ErrorCode
from accounts.flows.export_own_data import fetch_export, request_export
from accounts.models import Message, Session, User
from tests.flows.context import ADDRESS, client, event, forget, logged_in, mailed, recorded, refusal, signed_up

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session() -> Session:
    signed_up().emailaddress_set.update(verified=True)
    return logged_in().session


def ask(session: Session) -> str:
    """The key of the link that was mailed."""
    request_export(session=session, context=client().by_user(session.user_id))
    return re.findall(r"/export\?key=(\S+)", Message.objects.filter(kind="data_export").latest("id").text)[0]


def test_the_link_works_once(session: Session) -> None:
    key = ask(session)
    assert recorded() == [event("export_requested", "user")]
    assert mailed() == [("data_export", ADDRESS)]
    forget()
    assert [name for name, _rows in fetch_export(key=key, context=client())][:2] == ["profile", "addresses"]
    assert recorded() == [event("exported", "user")]
    assert refusal(fetch_export, key=key).code == ErrorCode.INVALID_NOTICE_KEY
    assert recorded() == [event("exported", "user")]


def test_a_second_link_kills_the_first(session: Session) -> None:
    first, second = ask(session), ask(session)
    assert refusal(fetch_export, key=first).code == ErrorCode.INVALID_NOTICE_KEY
    assert fetch_export(key=second, context=client())


def test_it_works_for_a_day(session: Session) -> None:
    start = clock.now()
    with time_machine.travel(start, tick=False):
        key = ask(session)
    with time_machine.travel(start + timedelta(days=1, seconds=1), tick=False):
        assert refusal(fetch_export, key=key).code == ErrorCode.INVALID_NOTICE_KEY
    with time_machine.travel(start + timedelta(days=1, seconds=-1), tick=False):
        assert fetch_export(key=key, context=client())


def test_it_dies_with_the_address_and_the_account(session: Session) -> None:
    key = ask(session)
    user = User.objects.get()
    user.email = "other@example.org"
    user.save()
    assert refusal(fetch_export, key=key).code == ErrorCode.INVALID_NOTICE_KEY
    user.email = ADDRESS
    user.is_active = False
    user.save()
    assert refusal(fetch_export, key=key).code == ErrorCode.INVALID_NOTICE_KEY


@pytest.mark.parametrize("key", ["", "x", "x" * 100_000, "a:b:c", "\0"])
def test_wrong_keys(session: Session, key: str) -> None:
    ask(session)
    forget()
    assert refusal(fetch_export, key=key).code == ErrorCode.INVALID_NOTICE_KEY
    assert recorded() == []


def test_an_address_that_nobody_has_proved_gets_no_copy(rows: Any) -> None:
    signed_up()
    session = logged_in().session
    before = rows()
    assert refusal(request_export, session=session).code == ErrorCode.EMAIL_NOT_VERIFIED
    assert (rows(), User.objects.get().export_asked_at) == (before, None)


def test_it_asks_for_a_recent_proof(session: Session, rows: Any) -> None:
    session.auth_time -= timedelta(minutes=10, seconds=1)
    before = rows()
    assert refusal(request_export, session=session).code == ErrorCode.REAUTHENTICATION_REQUIRED
    assert rows() == before


@time_machine.travel("2026-11-26T12:00:00Z", tick=False)
def test_mails_are_limited() -> None:
    signed_up().emailaddress_set.update(verified=True)
    session = logged_in().session
    # The fifth of this hour: the first one was of the registration.
    for _ in range(4):
        ask(session)
    forget()
    assert refusal(request_export, session=session).code == ErrorCode.RATE_LIMITED
    assert (mailed(), recorded()) == ([], [])
