"""What the worker does again and again: when that was last done, and who does it now."""

from datetime import datetime

from accounts.models import Upkeep

COUNTS = "counts"
GAUGES = "gauges"
PURGE = "purge"
WORKER = "worker"


def take(name: str) -> Upkeep | None:
    """The row of this work, locked until the end of the transaction; None where another worker has it in hand."""
    Upkeep.objects.bulk_create([Upkeep(name=name)], ignore_conflicts=True)
    return Upkeep.objects.select_for_update(skip_locked=True).filter(pk=name).first()


def note(name: str, *, now: datetime, done_until: datetime | None = None) -> None:
    """Writes that this was done now."""
    row = Upkeep(name=name, at=now, done_until=done_until)
    Upkeep.objects.bulk_create([row], update_conflicts=True, unique_fields=["name"], update_fields=["at", "done_until"])


def forget(name: str) -> None:
    """Makes it as if this was never done."""
    Upkeep.objects.filter(pk=name).delete()


def read() -> dict[str, Upkeep]:
    """By name; what was never done has no row."""
    return {row.name: row for row in Upkeep.objects.exclude(at=None)}
