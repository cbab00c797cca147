from django.db import transaction

from accounts.core import clock
from accounts.services import counts, upkeep


def count_by_hour(*, most_hours: int) -> bool:
    """Updates the counts of at most `most_hours` hours; returns whether hours are left to be counted.

    Each hour is a transaction. If another worker counts at the same moment, this one does nothing.
    """
    for _each in range(most_hours):
        with transaction.atomic(durable=True):
            now = clock.now()
            row = upkeep.take(upkeep.COUNTS)
            if row is None:
                return False
            unsettled = counts.hour_of(now - counts.SETTLED_AFTER)
            hour = counts.next_hour_with_events(row.done_until or now - counts.KEPT)
            if hour is None or hour >= unsettled:
                # The present hour, and the previous one while its count may still grow.
                for present in {unsettled, counts.hour_of(now)}:
                    counts.count(present)
                upkeep.note(upkeep.COUNTS, now=now, done_until=unsettled)
                return False
            counts.count(hour)
            upkeep.note(upkeep.COUNTS, now=now, done_until=hour + counts.HOUR)
    return True


def measure_users() -> bool:
    """Notes once an hour how many users and live sessions there are; returns whether it did that now."""
    with transaction.atomic(durable=True):
        now = clock.now()
        row = upkeep.take(upkeep.GAUGES)
        if row is None or (row.at is not None and row.at >= counts.hour_of(now)):
            return False
        counts.measure(now)
        upkeep.note(upkeep.GAUGES, now=now)
    return True


def note_worker() -> None:
    """Writes that a worker is running."""
    with transaction.atomic(durable=True):
        upkeep.note(upkeep.WORKER, now=clock.now())
