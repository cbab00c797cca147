"""Recurring tasks of the worker: when each was last done, and which worker does it now."""

from datetime import datetime

from accounts.models import Upkeep

COUNTS = "counts"
GAUGES = "gauges"
PURGE = "purge"
WORKER = "worker"


def take(name: str) -> Upkeep | None:
    """The row of this task, locked until the end of the transaction; None if another worker holds it."""
    Upkeep.objects.bulk_create([Upkeep(name=name)], ignore_conflicts=True)
    return Upkeep.objects.select_for_update(skip_locked=True).filter(pk=name).first()


def note(name: str, *, now: datetime, done_until: datetime | None = None) -> None:
    """Writes that the task was done now."""
    row = Upkeep(name=name, at=now, done_until=done_until)
    Upkeep.objects.bulk_create([row], update_conflicts=True, unique_fields=["name"], update_fields=["at", "done_until"])


def forget(name: str) -> None:
    """Deletes the note, as if the task was never done."""
    Upkeep.objects.filter(pk=name).delete()


def read() -> dict[str, Upkeep]:
    """The rows by name. A task that was never done has no row."""
    return {row.name: row for row in Upkeep.objects.exclude(at=None)}
