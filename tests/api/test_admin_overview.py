"""The first page of the admin: what happens, who guesses, how mail, keys and the worker are, in few statements."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client

from accounts.admin.charts import HEIGHT, chart, grouped
from accounts.core import clock
from accounts.flows.count_by_hour import count_by_hour, measure_users, note_worker
from accounts.models import Message, SecurityEvent, User
from accounts.services import keys, overview
from tests.administrators import add_root, log_in_to_admin
from tests.clients.authapi import AuthApi
from tests.statements import Statements

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
NOW_STATEMENTS = 11


@pytest.fixture
def noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def admin(noon: Any, db: Any) -> Client:
    add_root()
    return log_in_to_admin("root")


def happened(kind: str, count: int = 1, *, ago: timedelta = timedelta(0), **fields: Any) -> None:
    events = [SecurityEvent(kind=kind, at=clock.now() - ago, dialect="authapi", **fields) for _ in range(count)]
    SecurityEvent.objects.bulk_create(events)


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def test_what_happened_by_hour_and_by_day(admin: Client) -> None:
    SecurityEvent.objects.all().delete()
    happened("logged_in", 3)
    happened("logged_in", 4, ago=timedelta(hours=5))
    happened("logged_in", 5, ago=timedelta(days=3))
    # Beyond both charts.
    happened("logged_in", 6, ago=timedelta(days=31))
    count_by_hour(most_hours=1000)
    (logins,) = [one for one in overview.series(NOON) if one.metric == "logged_in"]
    assert (len(logins.hours), len(logins.days)) == (48, 30)
    assert [number for _hour, number in logins.hours if number] == [4, 3]
    assert logins.hours[-1] == (NOON.replace(minute=0), 3)
    assert [(f"{day:%m-%d}", number) for day, number in logins.days if number] == [("05-29", 5), ("06-01", 7)]
    page = text(admin.get("/admin/"))
    assert "7 in the last 48 hours" in page
    assert "12 in the last 30 days" in page
    assert "June 1, 07:00: 4" in page


def test_users_mail_keys_and_the_worker(admin: Client) -> None:
    page = text(admin.get("/admin/"))
    assert "never seen: is manage.py deliver_mail running?" in page
    keys.signing_key()
    note_worker()
    measure_users()
    for state, ago in (("queued", 3), ("queued", 2), ("dead", 9)):
        at = NOON - timedelta(hours=ago)
        Message.objects.create(kind="verification", message_id=f"{ago}", state=state, created_at=at, due_at=at)
    page = text(admin.get("/admin/"))
    assert "Users Users 1 Active within a day 1" in page
    assert "Waiting for a worker 2 (the oldest for 3 hours)" in page
    assert "Dead letters 1" in page
    assert "signs for 0 minutes" in page
    assert "seen 0 minutes ago" in page


def test_who_guesses_most(admin: Client, api: AuthApi) -> None:
    api.register("alice")
    api.register("bob")
    alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
    happened("login_failed", 3, ip="203.0.113.7", user=alice)
    happened("login_failed", 2, ip="2001:db8:0:1::a", user=bob)
    happened("code_refused", 2, ip="2001:db8:0:1::b", user=alice)
    happened("password_guessed", ip="203.0.113.7", user=alice)
    happened("login_failed", 9, ip="203.0.113.9", user=bob, ago=timedelta(hours=25))
    found = overview.named(overview.guessing(NOON))
    assert found.looked_at == 7
    assert found.places == [("2001:db8:0:1::/64", 4), ("203.0.113.7", 3)]
    assert [(account.name, account.times) for account in found.accounts] == [("alice", 5), ("bob", 2)]
    assert f'/admin/accounts/user/{alice.pk}/change/">alice</a>' in admin.get("/admin/").content.decode()


def test_no_more_than_so_many_guesses_are_read(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "MOST_GUESSES", 3)
    happened("login_failed", 5, ip="203.0.113.7")
    assert overview.guessing(NOON).looked_at == 3


def test_the_statements_are_few_and_as_many_whatever_there_is(admin: Client, api: AuthApi) -> None:
    def fill(number: int) -> None:
        api.register(f"user{number}")
        user = User.objects.get(username=f"user{number}")
        happened("login_failed", 20, ip=f"203.0.113.{number}", user=user)
        happened("password_guessed", ip=f"203.0.113.{number}", user=user)
        Message.objects.create(kind="verification", message_id=f"dead{number}", state="dead")
        note_worker()
        count_by_hour(most_hours=1000)

    fill(1)
    admin.get("/admin/")
    with Statements() as few:
        admin.get("/admin/")
    for number in range(2, 8):
        fill(number)
    with Statements() as many:
        admin.get("/admin/")
    assert (len(few), len(many)) == (NOW_STATEMENTS, NOW_STATEMENTS), few.sql


@pytest.mark.parametrize(
    ("permission", "shown"),
    [
        (None, set()),
        ("view_user", {"Active within a day"}),
        ("view_session", {"Live sessions"}),
        ("view_securityevent", {"Failed logins", "Who guesses most"}),
        ("view_message", {"Dead letters"}),
        ("view_signingkey", {"Signing keys"}),
    ],
)
def test_each_sees_what_they_may(admin: Client, api: AuthApi, permission: str | None, shown: set[str]) -> None:
    api.register("sam")
    sam = User.objects.get(username="sam")
    User.objects.filter(pk=sam.pk).update(is_staff=True)
    sam.user_permissions.set(Permission.objects.filter(codename=permission))
    happened("login_failed", ip="203.0.113.7", user=sam)
    measure_users()
    page = text(log_in_to_admin("sam").get("/admin/"))
    parts = {
        "Active within a day",
        "Live sessions",
        "Failed logins",
        "Who guesses most",
        "Dead letters",
        "Signing keys",
    }
    # The links of Django's own list below are another matter.
    page = page.partition("Site administration")[0].partition("Recent actions")[0]
    assert {part for part in parts if part in page} == shown
    assert ("203.0.113.7" in page) is (permission == "view_securityevent")
    # Names of users are for who may see users.
    assert f"{sam.pk} 1" in page if permission == "view_securityevent" else str(sam.pk) not in page


def test_strangers_are_sent_to_the_login(db: Any) -> None:
    answer = Client().get("/admin/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/login/?next=/admin/")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the plans are PostgreSQL's")
def test_guesses_are_found_by_their_index(admin: Client) -> None:
    happened("login_failed", 5, ip="203.0.113.7")
    with Statements() as asked:
        overview.guessing(NOON)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("ANALYZE accounts_securityevent")
        cursor.execute("EXPLAIN " + asked.sql[0])
        assert "event_of_guessing" in str(cursor.fetchall())


def test_bars() -> None:
    hours = [(NOON + timedelta(hours=number), number * 1000) for number in range(4)]
    drawn = chart([*hours, (NOON, 1)], lambda moment: f"{moment:%H}")
    assert [int(bar.height) for bar in drawn.bars] == [0, 32, 64, HEIGHT, 1]
    assert [bar.y for bar in drawn.bars] == ["96", "64", "32", "0", "95"]
    assert (drawn.total, drawn.highest, drawn.first, drawn.last) == ("6\u202f001", "3\u202f000", "12", "12")
    assert [bar.height for bar in chart([(NOON, 0)], str).bars] == ["0"]
    assert [grouped(number) for number in (0, 999, 1000, 5_000_000)] == [
        "0",
        "999",
        "1\u202f000",
        "5\u202f000\u202f000",
    ]
