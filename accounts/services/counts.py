"""Counts of events by the hour of UTC, so that nobody has to read millions of events.

An hour is always counted as a whole, again and again until some time after its end. Each count replaces the one before,
so it does not matter how often and by how many workers that is done. Events that are committed later than SETTLED_AFTER
after the hour's end are not counted; no transaction lasts so long.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Count, Q

from accounts.models import HourlyCount, SecurityEvent, Session, User
from accounts.services import upkeep

HOUR = timedelta(hours=1)
SETTLED_AFTER = timedelta(minutes=10)
# How long counts are kept: as long as the events.
KEPT = timedelta(days=400)

# Gauges: how many there were at the end of the hour, or at the last look within it.
USERS = "users"
INACTIVE_USERS = "users_inactive"
USERS_WITH_FACTOR = "users_with_factor"
LIVE_SESSIONS = "sessions_live"
# Users who were active within this number of days.
ACTIVE = {1: "active_day", 7: "active_week", 30: "active_month"}


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def next_hour_with_events(since: datetime) -> datetime | None:
    """The hour of the first event at `since` or later; None without one. So hours without events cost nothing."""
    at = SecurityEvent.objects.filter(at__gte=since).order_by("at").values_list("at", flat=True).first()
    return hour_of(at) if at else None


def count(hour: datetime) -> None:
    """Counts the events of one hour by their kind, and replaces its earlier counts."""
    events = SecurityEvent.objects.filter(at__gte=hour, at__lt=hour + HOUR).order_by()
    _put(hour, dict(events.values_list("kind").annotate(Count("pk"))))


def measure(now: datetime) -> None:
    """Counts users and live sessions, and notes the numbers for this hour."""
    active = {name: Count("pk", filter=Q(last_visit__gt=now - timedelta(days=days))) for days, name in ACTIVE.items()}
    found = User.objects.order_by().aggregate(
        **{
            USERS: Count("pk"),
            INACTIVE_USERS: Count("pk", filter=Q(is_active=False)),
            USERS_WITH_FACTOR: Count("pk", filter=Q(has_second_factor=True)),
        },
        **active,
    )
    live = Session.objects.filter(ended_at=None, expires_at__gt=now).count()
    _put(hour_of(now), {**found, LIVE_SESSIONS: live})


def start_over() -> None:
    """Deletes all counts. The worker makes them again from the events that there are."""
    HourlyCount.objects.all().delete()
    upkeep.forget(upkeep.COUNTS)
    upkeep.forget(upkeep.GAUGES)


def read(metrics: Collection[str], *, since: datetime) -> dict[str, dict[datetime, int]]:
    """The counts of these metrics by hour; hours without a count are left out."""
    found: dict[str, dict[datetime, int]] = {metric: {} for metric in metrics}
    rows = HourlyCount.objects.filter(metric__in=metrics, hour__gte=since)
    for metric, hour, number in rows.values_list("metric", "hour", "count"):
        found[metric][hour] = number
    return found


def _put(hour: datetime, numbers: dict[str, int]) -> None:
    HourlyCount.objects.bulk_create(
        [HourlyCount(metric=metric, hour=hour, count=number) for metric, number in numbers.items()],
        update_conflicts=True,
        unique_fields=["hour", "metric"],
        update_fields=["count"],
    )
