from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session as AdminSession
from django.db import transaction
from django.db.models import QuerySet

from accounts.core import clock
from accounts.models import LimitCounter, Message, SecurityEvent, Session, VerificationCode
from accounts.services import keys

BATCH = 1000
# How long what is over is kept, for its owner and for administrators to look at.
SESSIONS_KEPT = timedelta(days=30)
MESSAGES_KEPT = timedelta(days=30)
# Longer than the hour in which a code counts towards its limit.
CODES_KEPT = timedelta(days=1)
EVENTS_KEPT = timedelta(days=400)


@dataclass(frozen=True, kw_only=True)
class Purged:
    name: str
    rows: int


def purge_expired() -> Iterator[Purged]:
    """Removes what is past its time, kind after kind, and tells of each.

    Rows go in batches of BATCH, each in a transaction of its own; rows that another purge or a request holds are
    passed over, so it may run twice at once and while serving.
    """
    now = clock.now()
    kinds: list[tuple[str, Callable[[], QuerySet[Any]]]] = [
        ("sessions", lambda: Session.objects.filter(expires_at__lt=now - SESSIONS_KEPT)),
        ("messages", lambda: Message.objects.filter(settled_at__lt=now - MESSAGES_KEPT)),
        ("verification codes", lambda: VerificationCode.objects.filter(expires_at__lt=now - CODES_KEPT)),
        ("limit counters", lambda: LimitCounter.objects.filter(ends_at__lt=now)),
        ("security events", lambda: SecurityEvent.objects.filter(at__lt=now - EVENTS_KEPT)),
        ("admin sessions", lambda: AdminSession.objects.filter(expire_date__lt=now)),
    ]
    for name, expired in kinds:
        yield Purged(name=name, rows=_purge(expired))
    yield Purged(name="signing keys", rows=_purge_keys(before=now - SESSIONS_KEPT))


def _purge(expired: Callable[[], QuerySet[Any]]) -> int:
    removed = 0
    while True:
        with transaction.atomic(durable=True):
            batch = expired().order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH]
            found = list(batch)
            expired().filter(pk__in=found).delete()
        removed += len(found)
        if len(found) < BATCH:
            return removed


def _purge_keys(*, before: datetime) -> int:
    with transaction.atomic(durable=True):
        return keys.purge(before=before)
