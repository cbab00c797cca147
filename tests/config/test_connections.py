"""An unusable connection of the pool is replaced, and as few requests as possible fail."""

import os
import resource
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import gevent
import psycopg
import pytest
from django.db import (
    IntegrityError,
    InternalError,
    NotSupportedError,
    OperationalError,
    close_old_connections,
    connection,
    transaction,
)
from django.test import Client

from accounts.models import User
from config.postgresql.serving import serve_requests
from tests.clients.authapi import PASSWORD, AuthApi
from tests.servers import ON_POSTGRES

FORM = "application/x-www-form-urlencoded"
pytestmark = pytest.mark.django_db(transaction=True)
on_postgres = pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has no server")


@pytest.fixture(autouse=True)
def _own_pool(settings: Any) -> Iterator[None]:
    """A pool like that of a worker, with two unused connections that take turns."""
    connection.close()
    if not ON_POSTGRES:
        yield
        return
    before = dict(connection.settings_dict["OPTIONS"])
    serve_requests(connection.settings_dict, {**settings.DATABASE_POOL, "max_size": 2})
    yield
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    connection.settings_dict["OPTIONS"] = before


def _run_elsewhere(sql: str, *params: Any) -> None:
    """Runs a statement on a connection of its own."""

    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def _hang_up() -> None:
    """Ends this thread's connection from the server's side; SQLite has no server, so there it is closed here."""
    if connection.vendor == "sqlite":
        connection.close()
        return
    _run_elsewhere("SELECT pg_terminate_backend(%s, 5000)", connection.connection.info.backend_pid)


def _next_request(ask: Callable[[], Any]) -> Any:
    # Django does this at the end of every request, but not for its test client.
    close_old_connections()
    return ask()


@contextmanager
def _widened_column() -> Iterator[Callable[[], None]]:
    """A function that widens a column of the users, like a migration. The column is restored at the end."""
    statement = "ALTER TABLE accounts_user ALTER COLUMN avatar_url TYPE varchar(%d)"
    try:
        yield lambda: _run_elsewhere(statement % 501)
    finally:
        _run_elsewhere(statement % 500)


def test_a_lost_connection_is_replaced_with_the_next_request(api: AuthApi) -> None:
    access = api.register("alice").json()["access"]
    assert api.user(access).json()["username"] == "alice"
    lost = connection.connection
    _hang_up()
    assert _next_request(lambda: api.user(access)).json()["username"] == "alice"
    assert connection.connection is not lost


@on_postgres
def test_a_connection_that_is_lost_in_a_transaction_is_replaced_with_the_next_request(api: AuthApi) -> None:
    access = api.register("alice").json()["access"]

    def read_twice() -> None:
        User.objects.get()
        _hang_up()
        User.objects.get()

    with pytest.raises(OperationalError, match="terminating connection"), transaction.atomic():
        read_twice()
    assert _next_request(lambda: api.user(access)).json()["username"] == "alice"


@on_postgres
def test_no_request_notices_that_a_column_was_widened(api: AuthApi) -> None:
    access = api.register("alice").json()["access"]
    with _widened_column() as widen:
        for _ in range(2):
            for _ in range(12):
                for _connection in range(2):
                    assert _next_request(lambda: api.user(access)).status_code == 200
                    assert User.objects.get().username == "alice"
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", ["%avatar_url%"])
                # New plans are made, also after earlier ones have become stale.
                assert cursor.fetchone() == (2,)
            widen()
        assert _next_request(lambda: api.user(access)).json()["username"] == "alice"
        assert User.objects.get().username == "alice"


@on_postgres
def test_a_column_that_was_widened_fails_at_most_one_transaction_of_a_connection(api: AuthApi) -> None:
    access = api.register("alice").json()["access"]
    with _widened_column() as widen:
        for _ in range(12):
            User.objects.get()
        widen()
        used = connection.connection
        with pytest.raises(NotSupportedError, match="cached plan"), transaction.atomic():
            User.objects.get()
        assert _next_request(lambda: api.user(access)).status_code == 200
        assert connection.connection is not used
        with transaction.atomic():
            assert User.objects.get().username == "alice"


@on_postgres
def test_a_new_connection_reads_the_session_too(api: AuthApi) -> None:
    access = api.register("alice").json()["access"]
    used = set()
    for _ in range(4):
        assert _next_request(lambda: api.user(access)).json()["username"] == "alice"
        assert connection.connection.kept_cursor.connection is connection.connection
        used.add(connection.connection.kept_cursor)
    # The two connections of the pool take turns.
    assert len(used) == 2


@on_postgres
def test_a_statement_and_an_answer_that_are_longer_than_what_the_system_takes_at_once() -> None:
    text = "x" * 20_000_000
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text", [text])
        assert cursor.fetchone() == (text,)


@on_postgres
def test_other_requests_have_their_turn_while_one_waits_for_the_server() -> None:
    def wait() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.3)")

    turns = 0
    waiting = gevent.spawn(wait)
    while not waiting.ready():
        gevent.sleep(0.01)
        turns += 1
    waiting.get()
    # If the thread itself waited, this loop would run once.
    assert turns > 1


@on_postgres
def test_a_connection_that_has_become_read_only_is_replaced_with_the_next_request(api: AuthApi) -> None:
    api.register("alice")

    def log_in() -> tuple[int, str | None]:
        answer = Client(raise_request_exception=False).post("/api/auth/login/", login)
        return answer.status_code, answer.headers.get("Retry-After")

    login = {"username": "alice", "password": PASSWORD}
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    assert _next_request(log_in) == (503, "2")
    assert _next_request(log_in) == (200, None)


@on_postgres
def test_a_pooler_that_hangs_up_in_the_middle_of_an_answer(api: AuthApi, monkeypatch: pytest.MonkeyPatch) -> None:
    access = api.register("alice").json()["access"]
    used = []

    def execute(cursor: Any, query: Any, *_args: Any, **_options: Any) -> Any:
        # PgBouncer answers BEGIN, and then that its server has crashed.
        used.append(cursor.connection)
        raise psycopg.InternalError("received 2 results from command 'BEGIN'")

    with monkeypatch.context() as patched:
        patched.setattr("config.postgresql.base.Cursor.execute", execute)
        answer = _next_request(lambda: api.change_password(access, PASSWORD, "battery-staple-7"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert _next_request(lambda: api.user(access)).json()["username"] == "alice"
    assert used[0].closed
    assert api.login("alice").status_code == 200


@on_postgres
def test_an_error_stays_with_its_connection_whatever_is_committed_after_it(api: AuthApi) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    used = connection.connection
    with pytest.raises(InternalError, match="read-only"), transaction.atomic():
        User.objects.update(is_active=False)
    with transaction.atomic():
        assert User.objects.count() == 0
    close_old_connections()
    assert User.objects.count() == 0
    assert connection.connection is not used


@on_postgres
def test_an_error_of_the_data_leaves_the_connection_alone(api: AuthApi) -> None:
    api.register("alice")
    used = connection.connection
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(username="ALICE")
    assert [_next_request(User.objects.get).username for _ in range(2)] == ["alice"] * 2
    assert not used.closed


@on_postgres
def test_a_connection_with_a_high_file_descriptor(api: AuthApi) -> None:
    access = api.register("alice").json()["access"]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard < 2048 else 2048, hard))
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        while (descriptor := os.open(os.devnull, os.O_RDONLY)) < 1100:
            stack.callback(os.close, descriptor)
        stack.callback(os.close, descriptor)
        assert api.user(access).status_code == 200
        assert connection.connection.fileno() > 1024
        used = connection.connection
        assert [_next_request(lambda: api.user(access)).status_code for _ in range(2)] == [200] * 2
        assert not used.closed


@on_postgres
def test_who_gets_no_connection_is_told_to_come_again(api: AuthApi) -> None:
    access = api.register("alice").json()["access"]
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    connection.settings_dict["OPTIONS"]["pool"] |= {"max_size": 1, "timeout": 0.1}
    bearer = {"Authorization": f"Bearer {access}"}

    def ask(method: str, path: str, **extra: Any) -> Any:
        return Client(raise_request_exception=False).generic(method, path, headers=bearer, **extra)

    with connection.cursor(), ThreadPoolExecutor(1) as others:

        def answer(*args: str, **extra: Any) -> Any:
            return others.submit(ask, *args, **extra).result()

        user = answer("GET", "/api/auth/user/")
        assert (user.status_code, user.json()["code"], user.headers["Retry-After"]) == (503, "overloaded", "2")
        me = answer("GET", "/users/me")
        assert (me.status_code, me.json(), me.headers["Retry-After"]) == (503, {"detail": "OVERLOADED"}, "2")
        query = answer("POST", "/graph/query", data='{"query": "{me{id}}"}', content_type="application/json")
        assert query.json()["errors"][0]["extensions"] == {"code": "SERVER_ERROR", "retryAfter": 2}
        assert query.headers["Retry-After"] == "2"
        page = answer("POST", "/reset-password/again", data="email=alice@example.org", content_type=FORM)
        assert (page.status_code, page.json()["code"], page.headers["Retry-After"]) == (503, "overloaded", "2")
    assert ask("GET", "/api/auth/user/").status_code == 200
