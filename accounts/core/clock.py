"""The one clock. All code that needs the time asks here."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment in UTC, with its time zone."""
    return datetime.now(UTC)
