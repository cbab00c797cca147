"""Purging: rows of each kind are kept until they expire, then deleted."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session as AdminSession

from accounts.core import clock
from accounts.flows.log_in_with_code import request_login_code
from accounts.flows.purge_expired import purge_expired
from accounts.flows.request_code import request_code
from accounts.flows.rotate_signing_keys import rotate_signing_keys
from accounts.models import (
    FormerAddress,
    HourlyCount,
    Job,
    JobItem,
    LimitCounter,
    LoginCode,
    Message,
    SecurityEvent,
    Session,
    SigningKey,
    Upkeep,
    User,
    VerificationCode,
)
from accounts.services import keys
from tests.flows.context import ADDRESS, client, logged_in, mailed, recorded, signed_up

pytestmark = pytest.mark.django_db
KINDS = (
    "sessions",
    "messages",
    "verification codes",
    "login codes",
    "challenges",
    "repeated requests",
    "limit counters",
    "security events",
    "former addresses",
    "counts by hour",
    "users of jobs",
    "jobs",
    "admin sessions",
    "signing keys",
    "kinds of hashes",
)


def purge() -> dict[str, int]:
    """The number of deleted rows for each kind that had any."""
    purged = list(purge_expired())
    assert tuple(kind.name for kind in purged) == KINDS
    return {kind.name: kind.rows for kind in purged if kind.rows}


def test_sessions_and_messages_are_kept_for_thirty_days() -> None:
    now = clock.now()
    signed_up()
    logged_in()
    request_code(email=ADDRESS, context=client())
    VerificationCode.objects.all().delete()
    LimitCounter.objects.all().delete()
    Session.objects.update(expires_at=now)
    Message.objects.update(state="sent", settled_at=now)
    with time_machine.travel(now + timedelta(days=30), tick=False):
        assert purge() == {}
    with time_machine.travel(now + timedelta(days=30, seconds=1), tick=False):
        assert purge() == {"sessions": 1, "messages": 1}
    assert (Session.objects.count(), mailed(), User.objects.count()) == (0, [], 1)
    assert [kind for kind, *_rest in recorded()] == ["code_requested"]


def test_codes_are_kept_for_a_day_and_mail_until_it_is_settled() -> None:
    request_code(email=ADDRESS, context=client())
    LimitCounter.objects.all().delete()
    ends = VerificationCode.objects.get().expires_at
    with time_machine.travel(ends + timedelta(days=1), tick=False):
        assert purge() == {}
    with time_machine.travel(ends + timedelta(days=1, seconds=1), tick=False):
        assert purge() == {"verification codes": 1}
    assert (VerificationCode.objects.count(), mailed()) == (0, [("verification_code", ADDRESS)])


def test_codes_to_log_in_are_kept_as_long() -> None:
    request_login_code(email=ADDRESS, context=client())
    Message.objects.all().delete()
    LimitCounter.objects.all().delete()
    ends = LoginCode.objects.get().expires_at
    with time_machine.travel(ends + timedelta(days=1), tick=False):
        assert purge() == {}
    with time_machine.travel(ends + timedelta(days=1, seconds=1), tick=False):
        assert purge() == {"login codes": 1}
    assert LoginCode.objects.count() == 0


def test_events_are_kept_for_four_hundred_days() -> None:
    request_code(email=ADDRESS, context=client())
    VerificationCode.objects.all().delete()
    LimitCounter.objects.all().delete()
    at = SecurityEvent.objects.get().at
    with time_machine.travel(at + timedelta(days=400), tick=False):
        assert purge() == {}
    with time_machine.travel(at + timedelta(days=400, seconds=1), tick=False):
        assert purge() == {"security events": 1}


def test_former_addresses_are_kept_for_four_hundred_days() -> None:
    now, user = clock.now(), signed_up()
    VerificationCode.objects.all().delete()
    LimitCounter.objects.all().delete()
    SecurityEvent.objects.all().delete()
    Session.objects.all().delete()
    FormerAddress.objects.create(user=user, email_key="old@example.org", left_at=now)
    with time_machine.travel(now + timedelta(days=400), tick=False):
        assert purge() == {}
    with time_machine.travel(now + timedelta(days=400, seconds=1), tick=False):
        assert purge() == {"former addresses": 1}
    assert User.objects.count() == 1


def test_counts_by_hour_are_kept_as_long_as_events() -> None:
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    HourlyCount.objects.create(metric="logged_in", hour=hour, count=3)
    with time_machine.travel(hour + timedelta(days=400), tick=False):
        assert purge() == {}
    with time_machine.travel(hour + timedelta(days=400, seconds=1), tick=False):
        assert purge() == {"counts by hour": 1}
    assert HourlyCount.objects.count() == 0


def test_jobs_are_kept_for_thirty_days() -> None:
    now, user = clock.now(), signed_up()
    LimitCounter.objects.all().delete()
    job = Job.objects.create(kind="end_sessions", state="done", asked_at=now, total=1)
    JobItem.objects.create(job=job, user=user, asked_at=now)
    with time_machine.travel(now + timedelta(days=30), tick=False):
        assert purge() == {}
    with time_machine.travel(now + timedelta(days=30, seconds=1), tick=False):
        assert purge() == {"users of jobs": 1, "jobs": 1}
    assert (Job.objects.count(), JobItem.objects.count(), User.objects.count()) == (0, 0, 1)


def test_it_is_noted_when_it_was_last_done() -> None:
    now = clock.now()
    with time_machine.travel(now, tick=False):
        purge()
    assert Upkeep.objects.get(pk="purge").at == now


def test_counters_and_admin_sessions_go_when_they_end(rows: Any) -> None:
    now, before = clock.now(), rows()
    LimitCounter.objects.create(key="x", ends_at=now, hits=1)
    AdminSession.objects.create(session_key="x", session_data="", expire_date=now)
    with time_machine.travel(now, tick=False):
        assert purge() == {}
    with time_machine.travel(now + timedelta(seconds=1), tick=False):
        assert purge() == {"limit counters": 1, "admin sessions": 1}
    assert rows() == before


def test_signing_keys_go_thirty_days_after_their_last_token() -> None:
    keys.signing_key()
    following = rotate_signing_keys(context=client())
    assert following is not None
    ends = SigningKey.objects.get(sequence=1).verifies_until
    assert ends is not None
    with time_machine.travel(ends + timedelta(days=30), tick=False):
        assert purge() == {}
    with time_machine.travel(ends + timedelta(days=30, seconds=1), tick=False):
        assert purge() == {"signing keys": 1}
    assert SigningKey.objects.get().kid == following.kid
