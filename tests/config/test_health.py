from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client

from accounts.core import clock
from accounts.ops import health
from tests.clients.authapi import AuthApi

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh() -> None:
    health._is_migrated.cache_clear()


def ask(path: str, method: str = "get") -> Any:
    return getattr(Client(), method)(path, headers={"Host": "10.0.0.7:8000"})


def test_both_answer_for_any_host_and_write_no_line(caplog: pytest.LogCaptureFixture) -> None:
    assert (ask("/livez").status_code, ask("/livez").json()) == (200, {"status": "ok"})
    assert ask("/readyz").json() == {"status": "ok", "oldest_due_mail_seconds": 0}
    assert ask("/readyz", "head").status_code == 200
    assert (ask("/readyz", "post").status_code, ask("/livez", "delete").status_code) == (405, 405)
    assert ask("/readyz").headers["Cache-Control"] == "no-store"
    assert caplog.records == []


def test_the_oldest_due_mail(api: AuthApi) -> None:
    api.register("alice")
    with time_machine.travel(clock.now() + timedelta(minutes=5), tick=False):
        assert 299 <= ask("/readyz").json()["oldest_due_mail_seconds"] <= 301


def test_a_database_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "ensure_connection", fail)
    answer = ask("/readyz")
    assert (answer.status_code, answer.json()) == (
        503,
        {"status": "unavailable", "problem": "the database does not answer"},
    )
    assert ask("/livez").status_code == 200


def test_a_migration_that_is_missing() -> None:
    with connection.cursor() as cursor:
        newest = "SELECT MAX(name) FROM django_migrations WHERE app = 'accounts'"
        cursor.execute(f"DELETE FROM django_migrations WHERE app = 'accounts' AND name = ({newest})")
    answer = ask("/readyz")
    assert (answer.status_code, answer.json()["problem"]) == (503, "migrations are missing")
