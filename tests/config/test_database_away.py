"""The web server while its PostgreSQL is stopped, paused or slow: 503 with Retry-After, within five seconds."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import User
from config.postgresql.serving import serve_requests
from tests.clients.authapi import PASSWORD
from tests.clusters import Answer, clusters, serve, wait_until
from tests.servers import ON_POSTGRES

pytestmark = pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has no server")


def refused(answers: list[Answer]) -> None:
    assert [(each.status, each.retry_after) for each in answers] == [(503, "2")] * len(answers)
    assert max(each.seconds for each in answers) < 5


def test_stopped_and_paused() -> None:
    with clusters() as (cluster,), serve(cluster) as web:
        assert {each.status for each in web.ask_everywhere()} == {200}
        cluster.stop()
        refused(web.ask_everywhere())
        cluster.start()
        wait_until(lambda: {each.status for each in web.ask_everywhere()} == {200}, seconds=5)
        cluster.pause()
        # First the existing connections do not answer, then new ones.
        refused(web.ask_everywhere())
        refused(web.ask_everywhere())
        ready = web.ask("GET", "/readyz")
        assert (ready.status, ready.body["problem"]) == (503, "the database does not answer")
        assert ready.seconds < 5
        cluster.go_on()
        wait_until(lambda: {each.status for each in web.ask_everywhere()} == {200}, seconds=5)


def test_locked_and_slow() -> None:
    with clusters() as (cluster,), serve(cluster) as web, psycopg.connect(cluster.url) as other:
        other.execute("SELECT 1 FROM accounts_user FOR UPDATE")
        before = cluster.execute("SELECT * FROM accounts_user")
        change = {"username": "bob"}
        answer = web.ask("PATCH", "/api/auth/user/", change)
        refused([answer])
        assert 1.4 < answer.seconds < 2.5
        query = web.ask("POST", "/graph/query", {"query": "{ me { id } }"})
        assert query.status == 200
        other.rollback()
        assert cluster.execute("SELECT * FROM accounts_user") == before
        assert web.ask("PATCH", "/api/auth/user/", change).status == 200


def test_a_request_that_waits_for_a_migration_which_waits_for_it() -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'accounts_message'::regclass AND NOT granted"
    bob = {"username": "bob", "email": "bob@example.org", "password1": PASSWORD, "password2": PASSWORD}
    register = ("POST", "/api/auth/registration/", bob)
    with (
        clusters() as (cluster,),
        serve(cluster) as web,
        psycopg.connect(cluster.url) as migration,
        ThreadPoolExecutor() as pool,
    ):
        # So PostgreSQL ends the request, and not this transaction.
        migration.execute("SET LOCAL deadlock_timeout = '1min'")
        migration.execute("LOCK TABLE accounts_message")
        asked = pool.submit(web.ask, *register)
        wait_until(lambda: cluster.execute(waiting) == [(1,)], seconds=5)
        migration.execute("LOCK TABLE accounts_user IN SHARE ROW EXCLUSIVE MODE")
        refused([asked.result()])
        assert cluster.execute("SELECT username FROM accounts_user") == [("alice",)]
        migration.rollback()
        assert web.ask(*register).status == 201


@pytest.fixture
def _as_in_a_worker(settings: Any) -> Iterator[None]:
    settings.DATABASE_SECONDS = 1
    connection.close()
    before = dict(connection.settings_dict["OPTIONS"])
    serve_requests(connection.settings_dict, settings.DATABASE_POOL)
    yield
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    connection.settings_dict["OPTIONS"] = before


def sleep() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(10)")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_as_in_a_worker")
def test_a_statement_that_takes_too_long() -> None:
    begun = time.monotonic()
    with pytest.raises(OperationalError, match="statement timeout"), transaction.atomic():
        sleep()
    assert 0.9 < time.monotonic() - begun < 1.4
    assert User.objects.count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_as_in_a_worker")
def test_a_server_that_says_nothing() -> None:
    # As behind a pooler, where the server has no limits.
    connection.settings_dict["OPTIONS"]["options"] = ""
    begun = time.monotonic()
    with pytest.raises(OperationalError, match=r"did not answer within 1.5 seconds"), transaction.atomic():
        sleep()
    assert 1.4 < time.monotonic() - begun < 2
    connection.close()
    assert User.objects.count() == 0


@pytest.mark.django_db
def test_a_command_takes_its_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
        assert cursor.fetchone() == ("0", "0")
