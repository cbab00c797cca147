from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session as AdminSession
from django.db import transaction
from django.db.models import Model, QuerySet

from accounts.core import clock
from accounts.models import (
    Challenge,
    FormerAddress,
    HourlyCount,
    IdempotentRequest,
    Job,
    JobItem,
    LimitCounter,
    LoginCode,
    Message,
    SecurityEvent,
    Session,
    VerificationCode,
)
from accounts.services import counts, hash_times, idempotency, keys, upkeep

BATCH = 1000
# How long expired rows are kept, for their owners and for administrators.
SESSIONS_KEPT = timedelta(days=30)
MESSAGES_KEPT = timedelta(days=30)
# Longer than the ten minutes of a code, because the previous release counts its rows for an hour.
CODES_KEPT = timedelta(days=1)
EVENTS_KEPT = timedelta(days=400)
JOBS_KEPT = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Purged:
    name: str
    rows: int


def purge_expired() -> Iterator[Purged]:
    """Removes expired rows, kind after kind, and yields the number for each.

    Each batch of BATCH rows has its own transaction. Rows that another purge or a request has locked are skipped, so
    several purges at once and requests do not disturb each other.
    """
    now = clock.now()
    # Each column has an index.
    kinds: list[tuple[str, type[Model], str, datetime]] = [
        ("sessions", Session, "expires_at", now - SESSIONS_KEPT),
        ("messages", Message, "settled_at", now - MESSAGES_KEPT),
        ("verification codes", VerificationCode, "expires_at", now - CODES_KEPT),
        ("login codes", LoginCode, "expires_at", now - CODES_KEPT),
        ("challenges", Challenge, "expires_at", now),
        ("repeated requests", IdempotentRequest, "at", now - idempotency.KEPT),
        ("limit counters", LimitCounter, "ends_at", now),
        ("security events", SecurityEvent, "at", now - EVENTS_KEPT),
        ("former addresses", FormerAddress, "left_at", now - EVENTS_KEPT),
        ("counts by hour", HourlyCount, "hour", now - counts.KEPT),
        # A job has too many items to delete them with it in one batch.
        ("users of jobs", JobItem, "asked_at", now - JOBS_KEPT),
        ("jobs", Job, "asked_at", now - JOBS_KEPT),
        ("admin sessions", AdminSession, "expire_date", now),
    ]
    for name, model, column, before in kinds:
        yield Purged(name=name, rows=_purge(model._default_manager.all(), column, before=before))
    yield Purged(name="signing keys", rows=_purge_keys(before=now - SESSIONS_KEPT))
    yield Purged(name="kinds of hashes", rows=_purge_kinds_of_hashes())
    with transaction.atomic(durable=True):
        upkeep.note(upkeep.PURGE, now=clock.now())


def _purge(rows: QuerySet[Any], column: str, *, before: datetime) -> int:
    """Removes the rows whose column is before that time, and returns their number.

    Each batch begins where the last one ended. Otherwise PostgreSQL would read the removed rows again, because they
    stay in the index until a vacuum.
    """
    removed = 0
    expired = rows.filter(**{f"{column}__lt": before}).order_by(column)
    while True:
        with transaction.atomic(durable=True):
            batch = list(expired.select_for_update(skip_locked=True).values_list("pk", column)[:BATCH])
            rows.filter(pk__in=[pk for pk, _at in batch]).delete()
        removed += len(batch)
        if len(batch) < BATCH:
            return removed
        expired = rows.filter(**{f"{column}__lt": before, f"{column}__gte": batch[-1][1]}).order_by(column)


def _purge_keys(*, before: datetime) -> int:
    with transaction.atomic(durable=True):
        return keys.purge(before=before)


def _purge_kinds_of_hashes() -> int:
    with transaction.atomic(durable=True):
        return hash_times.forget_unused()
