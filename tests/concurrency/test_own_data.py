"""A single-use link works once, also if several requests use it at the same moment."""

from datetime import timedelta

import pytest
import time_machine

from accounts.core import clock
from accounts.core.errors import AccountError
from accounts.flows.delete_own_account import delete_due_accounts, keep_account, request_deletion
from accounts.flows.export_own_data import fetch_export, request_export
from accounts.models import SecurityEvent, User
from accounts.services import links
from tests.concurrency.race import race, rounds
from tests.flows.context import client, forget, logged_in, signed_up

pytestmark = pytest.mark.django_db(transaction=True)


def succeeds(flow: object, key: str) -> bool:
    try:
        flow(key=key, context=client())  # type: ignore[operator]
    except AccountError:
        return False
    return True


def test_one_copy() -> None:
    signed_up().emailaddress_set.update(verified=True)
    session = logged_in().session
    for _ in range(rounds(20)):
        request_export(session=session, context=client())
        key = links.export_key(User.objects.get())
        forget()
        results = race(*[lambda: succeeds(fetch_export, key)] * 8)
        assert sorted(results) == [False] * 7 + [True]
        assert SecurityEvent.objects.filter(kind="exported").count() == 1


def test_kept_or_deleted() -> None:
    """At the end of the grace the account is either deleted or kept, with one answer."""
    for number in range(rounds(20)):
        user = signed_up(f"user{number}")
        request_deletion(session=logged_in(user.username).session, context=client())
        user = User.objects.get(pk=user.pk)
        key = links.keep_key(user)
        assert user.deletion_due_at is not None
        forget()
        with time_machine.travel(user.deletion_due_at - timedelta(milliseconds=20)):
            kept, deleted, again = race(lambda: succeeds(keep_account, key), delete_due_accounts, delete_due_accounts)
            later = clock.now()
        with time_machine.travel(later + timedelta(days=1)):
            deleted += delete_due_accounts() + again
        assert (kept, deleted) in ((True, 0), (False, 1))
        assert User.objects.filter(pk=user.pk, is_active=True).exists() is kept
        kinds = list(SecurityEvent.objects.values_list("kind", flat=True))
        assert kinds == (["deletion_undone"] if kept else ["deleted"])
