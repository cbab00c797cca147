"""Until when wrong passwords lock an account: written when they use up its limit, and shown by the admin."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client

from accounts.core import clock
from accounts.core.context import ClientContext, Dialect
from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.administer import add_user
from accounts.flows.change_password import change_password
from accounts.flows.help_user import unlock_user
from accounts.flows.reauthenticate import reauthenticate
from accounts.models import Session, User
from tests.clients.authapi import PASSWORD, AuthApi
from tests.flows.context import client
from tests.statements import Statements

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 6, 1, 12, 10, tzinfo=UTC)
ONE = NOON.replace(hour=13, minute=0)
MIDNIGHT = datetime(2026, 6, 2, tzinfo=UTC)
WRONG = "wrong-horse-9"


@pytest.fixture(autouse=True)
def noon() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def stranger(db: Any) -> AuthApi:
    """Somebody who is where alice has never been."""
    api = AuthApi()
    api.http = Client(REMOTE_ADDR="192.0.2.99")
    return api


def locked_until() -> datetime | None:
    return User.objects.get(username="alice").locked_until


def guess(api: AuthApi, number: int, name: str = "alice") -> None:
    assert [api.login(name, WRONG).status_code for _ in range(number)] == [400] * number


def fail(session: Session, act: str, context: ClientContext) -> None:
    """One wrong password from within a session."""
    with pytest.raises(AccountError) as refusal:  # noqa: PT012
        if act == "change":
            change_password(session=session, old_password=WRONG, new_password="battery-staple-7", context=context)
        else:
            reauthenticate(session=session, password=WRONG, context=context)
    assert refusal.value.code is ErrorCode.WRONG_PASSWORD


def writes(said: Statements) -> list[str]:
    return [sql for sql in said.sql if sql.startswith("UPDATE") and "locked_until" in sql]


def test_the_last_wrong_password_of_the_hour_locks(alice: Any, stranger: AuthApi) -> None:
    guess(stranger, 9)
    assert locked_until() is None
    with Statements() as said:
        guess(stranger, 1)
    assert locked_until() == ONE
    assert len(writes(said)) == 1
    with Statements() as said:
        for _ in range(3):
            assert stranger.login("alice", WRONG).status_code == 429
    assert writes(said) == []
    assert locked_until() == ONE


def test_fifty_lock_for_the_day(alice: Any, stranger: AuthApi, noon: Any) -> None:
    for hour in range(5):
        noon.move_to(NOON + timedelta(hours=hour))
        guess(stranger, 10)
    assert locked_until() == MIDNIGHT
    # What ends sooner changes nothing: the owner's own place counts by itself.
    for _ in range(10):
        AuthApi().login("alice", WRONG)
    assert locked_until() == MIDNIGHT


def test_a_place_that_is_known_locks_as_well(alice: Any) -> None:
    guess(AuthApi(), 10)
    assert locked_until() == ONE


def test_nobody_is_locked_at_the_same_cost(alice: Any, stranger: AuthApi) -> None:
    counts = []
    for name in ("alice", "nobody"):
        cache.clear()
        guess(stranger, 9, name)
        with Statements() as said:
            guess(stranger, 1, name)
        counts.append((len(said), len(writes(said))))
    assert counts[0] == counts[1]
    assert counts[0][1] == 1
    assert User.objects.exclude(locked_until=None).count() == 1


def test_the_right_password_writes_nothing(alice: Any, stranger: AuthApi) -> None:
    guess(stranger, 9)
    with Statements() as said:
        assert stranger.login("alice").status_code == 200
    assert writes(said) == []
    assert locked_until() is None


def test_old_passwords_and_proofs_lock_as_well(alice: Any) -> None:
    session = Session.objects.get()
    for number in range(10):
        fail(session, "change" if number % 2 else "proof", client())
        assert (locked_until() is None) is (number < 9)
    assert locked_until() == ONE


@pytest.mark.parametrize("act", ["change", "proof"])
def test_whatever_was_the_last(alice: Any, act: str) -> None:
    session = Session.objects.get()
    guess(AuthApi(), 9)
    # Where the session began.
    fail(session, act, client(ip="127.0.0.1"))
    assert locked_until() == ONE


def test_without_limits_nobody_is_locked(alice: Any, stranger: AuthApi, settings: Any) -> None:
    settings.RATE_LIMITS = False
    guess(stranger, 12)
    assert locked_until() is None


def test_unlocking_clears_it(alice: Any, stranger: AuthApi) -> None:
    guess(stranger, 10)
    user = User.objects.with_address().get()
    assert unlock_user(user=user, context=client()) is True
    assert locked_until() is None
    assert stranger.login("alice").status_code == 200
    guess(stranger, 10)
    assert locked_until() == ONE


class TestInTheAdmin:
    @pytest.fixture
    def admin(self, noon: Any) -> Client:
        operator = ClientContext(ip="", user_agent="", language="en", request_id="", dialect=Dialect.COMMAND)
        add_user(
            username="root",
            email="r@example.org",
            password=PASSWORD,
            is_superuser=True,
            verified=True,
            context=operator,
        )
        browser = Client()
        assert browser.post("/admin/login/", {"username": "root", "password": PASSWORD}).status_code == 302
        return browser

    def listed(self, admin: Client, query: str) -> list[str]:
        page = admin.get(f"/admin/accounts/user/?{query}").content.decode()
        return re.findall(r'/change/[^"]*">([^<]*)</a></th>', page)

    def test_list_page_and_overview_say_the_same(self, admin: Client, alice: Any, stranger: AuthApi, noon: Any) -> None:
        User.objects.filter(username="root").update(created_at=NOON - timedelta(days=1))
        assert self.listed(admin, "locked=1") == []
        guess(stranger, 10)
        assert self.listed(admin, "locked=1") == ["alice"]
        assert self.listed(admin, "locked=0") == ["root"]
        assert self.listed(admin, "locked=x") == ["alice", "root"]
        user = User.objects.get(username="alice")
        page = admin.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
        assert ">Locked</li>" in page
        assert "too many wrong passwords within an hour, until 2026-06-01 13:00:00 UTC" in page
        front = admin.get("/admin/").content.decode()
        assert f'/admin/accounts/user/{user.pk}/change/">alice</a>: until 2026-06-01 13:00:00 UTC' in front
        noon.move_to(ONE)
        browser = Client()
        browser.post("/admin/login/", {"username": "root", "password": PASSWORD})
        assert self.listed(browser, "locked=1") == []
        assert self.listed(browser, "locked=0") == ["alice", "root"]
        assert ">Not locked</li>" in browser.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
        assert "?locked=1" not in browser.get("/admin/").content.decode()

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="the plans are PostgreSQL's")
    def test_an_index_finds_them(self, admin: Client) -> None:
        with Statements() as said:
            assert self.listed(admin, "locked=1") == []
        (sql,) = [each for each in said.sql if 'locked_until" >' in each]
        with connection.cursor() as cursor:
            User.objects.bulk_create(
                User(username=f"u{n}", username_key=f"u{n}", email=f"u{n}@x.org", email_key=f"u{n}@x.org", password="!")
                for n in range(3000)
            )
            User.objects.filter(username="u7").update(locked_until=clock.now() + timedelta(hours=1))
            cursor.execute("ANALYZE accounts_user")
            cursor.execute("EXPLAIN " + sql)
            assert "user_locked" in str(cursor.fetchall())
