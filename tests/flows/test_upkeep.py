"""Management commands: purge, end sessions, make a superuser."""

import threading
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from accounts.flows import purge_expired as purge_module
from accounts.management import chores
from accounts.models import HourlyCount, SecurityEvent, Session, Upkeep, User
from tests.clients.authapi import AuthApi
from tests.clients.durudex import Durudex
from tests.second_factors import enrol

pytestmark = pytest.mark.django_db


def run(name: str, *args: str, **options: Any) -> str:
    out = StringIO()
    call_command(name, *args, stdout=out, **options)
    return out.getvalue()


def test_purge_keeps_what_is_not_over(api: AuthApi, alice: Any, rows: Any) -> None:
    before = rows()
    assert run("purge_expired").splitlines()[0] == "sessions: 0 removed"
    assert rows() == before


def test_purge_in_batches(api: AuthApi, alice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge_module, "BATCH", 3)
    for _ in range(7):
        api.login("alice")
    with time_machine.travel(timezone.now() + timezone.timedelta(days=61), tick=False):
        kept = api.login("alice").json()
        assert run("purge_expired").splitlines()[0] == "sessions: 8 removed"
        assert Session.objects.count() == 1
        assert api.user(kept["access"]).status_code == 200
        assert SecurityEvent.objects.filter(kind="logged_in").count() == 9
    with time_machine.travel(timezone.now() + timezone.timedelta(days=401), tick=False):
        run("purge_expired")
        assert SecurityEvent.objects.count() == 1
    assert User.objects.count() == 1


def test_end_sessions(api: AuthApi, alice: Any) -> None:
    bob = api.register("bob").json()
    assert run("end_sessions", "--user", "Alice@example.org") == "Ended 1 session(s).\n"
    assert api.user(alice["access"]).status_code == 401
    assert api.user(bob["access"]).status_code == 200
    assert run("end_sessions", "--all") == "Ended 1 session(s).\n"
    assert api.user(bob["access"]).status_code == 401
    event = SecurityEvent.objects.filter(kind="session_ended").latest("id")
    assert (event.dialect, event.user_agent, event.detail) == ("command", "manage.py end_sessions", "ended_by_admin")
    with pytest.raises(CommandError, match="There is no user carol"):
        run("end_sessions", "--user", "carol")
    with pytest.raises(CommandError, match="one of the arguments --user --all is required"):
        run("end_sessions")


def test_createsuperuser(api: AuthApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct-horse-9")
    said = run("createsuperuser", "--noinput", "--username", "root", "--email", "root@example.org")
    assert said == "Made the superuser root <root@example.org>.\n"
    user = User.objects.with_address().get()
    assert (user.is_superuser, user.is_staff, user.email_verified) == (True, True, True)
    assert api.login("root").status_code == 200
    with pytest.raises(CommandError, match="username_taken"):
        run("createsuperuser", "--noinput", "--username", "ROOT", "--email", "root@example.org")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "short-7")
    with pytest.raises(CommandError, match="too short"):
        run("createsuperuser", "--noinput", "--username", "other", "--email", "other@example.org")
    assert User.objects.count() == 1


def test_grant_superuser(api: AuthApi, alice: Any) -> None:
    User.objects.update(is_active=False)
    SecurityEvent.objects.all().delete()
    assert run("grant_superuser", "ALICE@example.org") == "alice is an active superuser and may use the admin.\n"
    user = User.objects.get()
    assert (user.is_active, user.is_staff, user.is_superuser) == (True, True, True)
    events = SecurityEvent.objects.order_by("id").values_list(
        "kind", "detail", "user__username", "actor_kind", "user_agent"
    )
    assert list(events) == [
        ("roles_changed", "is_staff=True is_superuser=True", "alice", "command", "manage.py grant_superuser"),
        ("activated", "", "alice", "command", "manage.py grant_superuser"),
    ]
    run("grant_superuser", "alice")
    assert SecurityEvent.objects.count() == 2
    with pytest.raises(CommandError, match="There is no user carol"):
        run("grant_superuser", "carol")


def test_events_are_never_changed(alice: Any) -> None:
    event = SecurityEvent.objects.first()
    assert event is not None
    event.kind = "password_reset"
    with pytest.raises(TypeError, match="never changed"):
        event.save()


def test_changepassword(api: AuthApi, alice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_NEW_PASSWORD", "password1")
    with pytest.raises(CommandError, match="too common"):
        run("changepassword", "alice")
    assert api.user(alice["access"]).status_code == 200
    monkeypatch.setenv("DJANGO_NEW_PASSWORD", "battery-staple-7")
    assert run("changepassword", "Alice@example.org") == "Set the password of alice, and ended their sessions.\n"
    assert api.user(alice["access"]).status_code == 401
    assert api.login("alice", "battery-staple-7").status_code == 200
    with pytest.raises(CommandError, match="There is no user carol"):
        run("changepassword", "carol")


def test_remove_factors(api: AuthApi, alice: Any) -> None:
    enrol(alice["access"])
    assert run("remove_factors", "ALICE") == "alice logs in without a second factor, until another one is added.\n"
    assert api.user(alice["access"]).status_code == 401
    assert api.login("alice").status_code == 200
    event = SecurityEvent.objects.get(kind="factor_removed")
    assert (event.actor_kind, event.user_agent) == ("command", "manage.py remove_factors")
    with pytest.raises(CommandError, match=r"^alice has no second factor\.$"):
        run("remove_factors", "alice")
    with pytest.raises(CommandError, match=r"^There is no user bob\.$"):
        run("remove_factors", "bob")


def test_purge_of_codes(db: Any) -> None:
    Durudex().create_code("alice@example.org")
    with time_machine.travel(timezone.now() + timezone.timedelta(hours=2), tick=False):
        assert "verification codes: 0 removed" in run("purge_expired")
    with time_machine.travel(timezone.now() + timezone.timedelta(days=2), tick=False):
        assert "verification codes: 1 removed" in run("purge_expired")


class StopsAfter(threading.Event):
    """An event that is set after a number of waits, without pauses."""

    def __init__(self, waits: int) -> None:
        super().__init__()
        self.left = waits
        self.pauses: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        self.left -= 1
        return self.left < 0


@pytest.mark.django_db(transaction=True)
def test_the_mail_worker_purges_every_hour(api: AuthApi, caplog: pytest.LogCaptureFixture) -> None:
    api.register("alice")
    stop = StopsAfter(2)
    with time_machine.travel(timezone.now() + timezone.timedelta(days=61), tick=False):
        chores.purge_until_stopped(stop)
    assert stop.pauses == [60.0, 3600.0, 3600.0]
    assert Session.objects.count() == 0
    said = {
        (record.getMessage(), record.__dict__.get("kind"), record.__dict__.get("rows")) for record in caplog.records
    }
    assert ("what is past its time was removed", "sessions", 1) in said


@pytest.mark.django_db(transaction=True)
def test_a_purge_that_fails_is_tried_again_soon(caplog: pytest.LogCaptureFixture) -> None:
    def fail(*args: Any) -> None:
        raise OperationalError("gone")

    stop = StopsAfter(1)
    with connection.execute_wrapper(fail):
        chores.purge_until_stopped(stop)
    assert stop.pauses == [60.0, 60.0]
    assert [record.getMessage() for record in caplog.records] == ["the database failed; trying again"]


@pytest.mark.django_db(transaction=True)
def test_the_worker_counts_every_minute(api: AuthApi) -> None:
    api.register("alice")
    stop = StopsAfter(2)
    chores.count_until_stopped(stop)
    assert stop.pauses == [5.0, 60.0, 60.0]
    counted = dict(HourlyCount.objects.values_list("metric", "count"))
    assert {name: counted[name] for name in ("registered", "users", "active_day")} == {
        "registered": 1,
        "users": 1,
        "active_day": 1,
    }
    assert set(Upkeep.objects.values_list("name", flat=True)) == {"counts", "gauges", "worker"}


@pytest.mark.django_db(transaction=True)
def test_a_job_that_cannot_be_looked_for_is_told_of_after_five_minutes(caplog: pytest.LogCaptureFixture) -> None:
    """Until then, only the thread that sends mail reports that the database is away."""

    def fail(*args: Any) -> None:
        raise OperationalError("gone")

    for failures, told in ((30, 0), (31, 1)):
        caplog.clear()
        stop = StopsAfter(failures)
        with connection.execute_wrapper(fail):
            chores.run_jobs_until_stopped(stop)
        assert stop.pauses == [2.0, *[10.0] * failures]
        warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert warned == ["the database failed; trying again"] * told
