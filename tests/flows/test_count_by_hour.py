"""Counts by hour: each event is counted once, by any number of workers; late commits are counted too."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.flows.count_by_hour import count_by_hour, measure_users, note_worker
from accounts.models import HourlyCount, SecurityEvent, Upkeep, User
from accounts.services import counts
from tests.flows.context import logged_in, signed_up

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def happened(kind: str, *moments: datetime) -> None:
    SecurityEvent.objects.bulk_create(SecurityEvent(kind=kind, at=at, dialect="authapi") for at in moments)


def count_at(moment: datetime, *, most_hours: int = 1000) -> bool:
    with time_machine.travel(moment, tick=False):
        return count_by_hour(most_hours=most_hours)


def counted() -> dict[tuple[str, int], int]:
    """The counts by metric and by hours after noon."""
    rows = HourlyCount.objects.values_list("metric", "hour", "count")
    return {(metric, round((hour - NOON) / HOUR)): number for metric, hour, number in rows}


def test_hours_are_counted_by_kind() -> None:
    happened("logged_in", NOON - HOUR, NOON - MINUTE, NOON, NOON + MINUTE, NOON + 2 * MINUTE)
    happened("login_failed", NOON)
    assert count_at(NOON + 30 * MINUTE) is False
    assert counted() == {("logged_in", -1): 2, ("logged_in", 0): 3, ("login_failed", 0): 1}


def test_counting_again_changes_nothing_and_adds_what_is_new() -> None:
    happened("logged_in", NOON)
    for minutes in (1, 2, 2):
        count_at(NOON + minutes * MINUTE)
        assert counted() == {("logged_in", 0): 1}
    happened("logged_in", NOON + 3 * MINUTE)
    count_at(NOON + 4 * MINUTE)
    assert counted() == {("logged_in", 0): 2}


def test_what_is_committed_late_is_counted_until_ten_minutes_after_its_hour() -> None:
    happened("logged_in", NOON)
    count_at(NOON + HOUR + MINUTE)
    happened("logged_in", NOON + 59 * MINUTE)
    count_at(NOON + HOUR + 9 * MINUTE)
    assert counted() == {("logged_in", 0): 2}
    happened("logged_in", NOON + 59 * MINUTE)
    count_at(NOON + HOUR + 10 * MINUTE)
    assert counted() == {("logged_in", 0): 3}
    # Now the hour is settled, and nothing reads its events again.
    happened("logged_in", NOON + 59 * MINUTE)
    count_at(NOON + HOUR + 11 * MINUTE)
    assert counted() == {("logged_in", 0): 3}


def test_it_catches_up_hour_after_hour_and_passes_over_empty_ones() -> None:
    happened("logged_in", *(NOON - days * 24 * HOUR for days in range(1, 6)))
    assert count_at(NOON, most_hours=2) is True
    assert counted() == {("logged_in", -120): 1, ("logged_in", -96): 1}
    assert count_at(NOON, most_hours=2) is True
    assert count_at(NOON, most_hours=2) is False
    assert set(counted()) == {("logged_in", -24 * days) for days in range(1, 6)}
    with CaptureQueriesContext(connection) as statements:
        assert count_at(NOON + MINUTE) is False
    # Only the present hour is left: the empty hours between are not counted one by one.
    assert len(statements) < 15


def test_nothing_older_than_it_is_kept() -> None:
    happened("logged_in", NOON - timedelta(days=401), NOON - timedelta(days=399))
    count_at(NOON)
    assert set(counted()) == {("logged_in", -399 * 24)}


def test_users_and_sessions_are_measured_once_an_hour() -> None:
    with time_machine.travel(NOON, tick=False):
        for name in ("alice", "bob", "carol", "dave"):
            signed_up(name)
        logged_in()
        User.objects.filter(username="bob").update(is_active=False, last_visit=NOON - timedelta(days=2))
        User.objects.filter(username="carol").update(last_visit=NOON - timedelta(days=8), has_second_factor=True)
        User.objects.filter(username="dave").update(last_visit=NOON - timedelta(days=31))
        assert measure_users() is True
        expected = {
            "users": 4,
            "users_inactive": 1,
            "users_with_factor": 1,
            "active_day": 1,
            "active_week": 2,
            "active_month": 3,
            "sessions_live": 1,
        }
        assert counted() == {(metric, 0): number for metric, number in expected.items()}
    with time_machine.travel(NOON + 59 * MINUTE, tick=False):
        assert measure_users() is False
    with time_machine.travel(NOON + HOUR, tick=False):
        assert measure_users() is True
    assert counted()["users", 1] == 4


def test_starting_over() -> None:
    happened("logged_in", NOON)
    count_at(NOON + 3 * HOUR)
    happened("logged_in", NOON)
    counts.start_over()
    count_at(NOON + 3 * HOUR)
    assert counted() == {("logged_in", 0): 2}


def test_a_worker_is_noted() -> None:
    for moment in (NOON, NOON + MINUTE):
        with time_machine.travel(moment, tick=False):
            note_worker()
    assert Upkeep.objects.get(pk="worker").at == NOON + MINUTE


def test_the_events_of_an_hour_are_found_by_an_index(django_assert_num_queries: Any) -> None:
    # Enough rows to make another index slow.
    SecurityEvent.objects.bulk_create(
        SecurityEvent(kind=kind, at=NOON - timedelta(hours=hours), dialect="authapi")
        for hours in range(500)
        for kind in ("logged_in", "login_failed", "registered", "session_ended")
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_securityevent")
    with django_assert_num_queries(2), CaptureQueriesContext(connection) as statements:
        counts.count(NOON)
    explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(explain + statements[0]["sql"])
        assert "accounts_securityevent_at" in str(cursor.fetchall())
