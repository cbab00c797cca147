"""Counts by the hour of UTC, kept beside the events they are made of, so that nobody has to read millions of those.

An hour is counted as a whole, again and again until it is over for a while, and its count is replaced, never added to:
it does not matter how often and by how many workers that is done. What is committed later than SETTLED_AFTER behind the
hour's end is not counted. No transaction lasts so long.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Count, Q

from accounts.models import HourlyCount, SecurityEvent, Session, User
from accounts.services import upkeep

HOUR = timedelta(hours=1)
SETTLED_AFTER = timedelta(minutes=10)
# How long they are kept: as long as the events.
KEPT = timedelta(days=400)

# Gauges: how many there were at the end of the hour, or when it was last looked.
USERS = "users"
INACTIVE_USERS = "users_inactive"
USERS_WITH_FACTOR = "users_with_factor"
LIVE_SESSIONS = "sessions_live"
# Users who were here within so many days.
ACTIVE = {1: "active_day", 7: "active_week", 30: "active_month"}


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def next_hour_with_events(since: datetime) -> datetime | None:
    """The hour of the first event at `since` or later, None where there is none: hours without events cost nothing."""
    at = SecurityEvent.objects.filter(at__gte=since).order_by("at").values_list("at", flat=True).first()
    return hour_of(at) if at else None


def count(hour: datetime) -> None:
    """Counts the events of one hour by their kind, and replaces what was counted of it before."""
    events = SecurityEvent.objects.filter(at__gte=hour, at__lt=hour + HOUR).order_by()
    _put(hour, dict(events.values_list("kind").annotate(Count("pk"))))


def measure(now: datetime) -> None:
    """Looks through users and live sessions once, and notes how many there are in this hour."""
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
    """Forgets every count; the worker makes them anew of the events that there are."""
    HourlyCount.objects.all().delete()
    upkeep.forget(upkeep.COUNTS)
    upkeep.forget(upkeep.GAUGES)


def read(metrics: Collection[str], *, since: datetime) -> dict[str, dict[datetime, int]]:
    """The counts of these metrics by hour, without the hours that have none."""
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
