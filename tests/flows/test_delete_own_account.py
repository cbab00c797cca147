import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts.core import clock
from accounts.core.errors import ErrorCode
from accounts.flows.administer import change_user
from accounts.flows.delete_own_account import delete_due_accounts, keep_account, request_deletion
from accounts.models import Message, SecurityEvent, Session, User
from tests.clients.authapi import AuthApi
from tests.flows.context import ADDRESS, client, event, forget, logged_in, mailed, recorded, refusal, signed_up

pytestmark = pytest.mark.django_db(transaction=True)
GRACE = timedelta(days=14)


@pytest.fixture
def session() -> Session:
    signed_up()
    return logged_in().session


def ask(session: Session) -> str:
    """The key of the link that was mailed."""
    request_deletion(session=session, context=client().by_user(session.user_id))
    return re.findall(r"/keep-account\?key=(\S+)", Message.objects.get(kind="account_deletion").text)[0]


def test_the_account_is_closed_at_once_and_deleted_after_the_grace(session: Session) -> None:
    other = logged_in().session
    with time_machine.travel(clock.now(), tick=False):
        due_at = clock.now() + GRACE
        assert request_deletion(session=session, context=client().by_user(session.user_id)) == due_at
        user = User.objects.get()
        assert (user.is_active, user.deletion_due_at) == (False, due_at)
        assert f"{due_at:%Y-%m-%d}" in Message.objects.get().text
    ended = Session.objects.order_by("started_at").values_list("pk", "end_reason")
    assert list(ended) == [(session.pk, "deactivated"), (other.pk, "deactivated")]
    assert recorded() == [event("session_ended", "user")] * 2 + [event("deletion_requested", "user")]
    assert mailed() == [("account_deletion", ADDRESS)]
    with time_machine.travel(due_at - timedelta(seconds=1), tick=False):
        assert delete_due_accounts() == 0
        assert User.objects.count() == 1
    with time_machine.travel(due_at, tick=False):
        assert delete_due_accounts() == 1
        assert delete_due_accounts() == 0
    assert (User.objects.count(), Session.objects.count(), Message.objects.count()) == (0, 0, 0)
    last = SecurityEvent.objects.latest("id")
    assert (last.kind, last.user_id, last.actor_kind, last.ip) == ("deleted", None, "service", "")
    assert not SecurityEvent.objects.exclude(ip="").exists()


def test_the_link_keeps_the_account_as_it_was(session: Session) -> None:
    key = ask(session)
    forget()
    keep_account(key=key, context=client())
    user = User.objects.get()
    assert (user.is_active, user.deletion_due_at) == (True, None)
    assert recorded() == [event("deletion_undone", "user")]
    assert AuthApi().login("alice").status_code == 200
    # The sessions stay ended, and the link is used.
    assert Session.objects.get(pk=session.pk).end_reason == "deactivated"
    assert refusal(keep_account, key=key).code == ErrorCode.INVALID_NOTICE_KEY
    with time_machine.travel(clock.now() + 2 * GRACE):
        assert delete_due_accounts() == 0


def test_the_link_is_over_with_the_grace(session: Session) -> None:
    key = ask(session)
    with time_machine.travel(clock.now() + GRACE + timedelta(seconds=1)):
        assert refusal(keep_account, key=key).code == ErrorCode.INVALID_NOTICE_KEY
    assert not User.objects.get().is_active


@pytest.mark.parametrize("key", ["", "x", "x" * 100_000, "a:b:c", "\0"])
def test_wrong_keys(session: Session, key: str) -> None:
    ask(session)
    assert refusal(keep_account, key=key).code == ErrorCode.INVALID_NOTICE_KEY
    assert not User.objects.get().is_active


def test_an_administrator_who_activates_the_account_keeps_it(session: Session) -> None:
    ask(session)
    assert change_user(user=User.objects.with_address().get(), is_active=True, context=client())
    assert User.objects.get().deletion_due_at is None


def test_without_a_grace_it_goes_at_once(session: Session, settings: Any) -> None:
    settings.DELETION_GRACE_DAYS = 0
    request_deletion(session=session, context=client().by_user(session.user_id))
    assert (User.objects.count(), Session.objects.count(), Message.objects.count()) == (0, 0, 0)
    assert recorded() == [("deleted", "user", None, "", "r1")]


def test_it_asks_for_a_recent_proof(session: Session, rows: Any) -> None:
    session.auth_time -= timedelta(minutes=10, seconds=1)
    before = rows()
    assert refusal(request_deletion, session=session).code == ErrorCode.REAUTHENTICATION_REQUIRED
    assert (rows(), User.objects.get().is_active) == (before, True)


def test_the_last_superuser_stays(session: Session, rows: Any) -> None:
    User.objects.update(is_superuser=True, is_staff=True)
    before = rows()
    assert refusal(request_deletion, session=session).code == ErrorCode.LAST_SUPERUSER
    assert (rows(), User.objects.get().is_active) == (before, True)


def test_an_account_that_is_not_active_any_more(session: Session, rows: Any) -> None:
    User.objects.update(is_active=False)
    before = rows()
    assert refusal(request_deletion, session=session).code == ErrorCode.TOKEN_NOT_VALID
    assert (rows(), User.objects.get().deletion_due_at) == (before, None)
