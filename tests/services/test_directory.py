"""Searches for administrators: an index answers each of them, for any typed text."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.models import Message, SecurityEvent, Session, User
from accounts.services import addresses, directory
from tests.servers import ON_POSTGRES

pytestmark = pytest.mark.django_db
TYPED = (
    "alice",
    "alice*",
    "alice@example.org",
    "ALICE@*",
    "192.0.2.7",
    "2001:db8::7",
    "0b9c1d2e-3f40-4152-8637-48596a7b8c9d",
    "0b9c1d2e3f404152863748596a7b8c9d",
    "%",
    "_",
    "*",
    "a" * 1000,
    "\U0010ffff",
)
LISTS: dict[str, tuple[Any, Any]] = {
    "users": (directory.users, User.objects.all()),
    "sessions": (directory.sessions, Session.objects.all()),
    "events": (directory.events, SecurityEvent.objects.all()),
    "mails": (directory.messages, Message.objects.alias(lower_to=Lower("to"))),
}


def plans(condition: Any, rows: Any) -> list[str]:
    """PostgreSQL's plans for a search, if it avoids reading a whole table whenever it can."""
    read: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        read.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        list(rows.filter(condition() if callable(condition) else condition).order_by()[:100])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        found = []
        for sql, params in read:
            cursor.execute(f"EXPLAIN {sql}", params)
            found.append("\n".join(line for (line,) in cursor.fetchall()))
    return found


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite tells of its plans in other words")
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("typed", TYPED)
def test_an_index_answers(name: str, typed: str) -> None:
    search, rows = LISTS[name]
    found = plans(lambda: search(typed), rows)
    assert found
    assert [plan for plan in found if "Seq Scan" in plan] == []


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite tells of its plans in other words")
def test_the_test_sees_a_scan() -> None:
    assert "Seq Scan" in plans(Q(detail="x"), SecurityEvent.objects.all())[0]


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite tells of its plans in other words")
@pytest.mark.parametrize(
    ("rows", "condition", "column", "index"),
    [
        (User, Q(), "created_at", "user_created"),
        (User, Q(is_active=False), "created_at", "user_inactive"),
        (User, Q(is_staff=True), "created_at", "user_staff"),
        (User, Q(is_superuser=True), "created_at", "user_superuser"),
        (User, Q(has_second_factor=True), "created_at", "user_factors"),
        (Session, Q(), "started_at", "session_started"),
        (Session, Q(ip="192.0.2.7"), "started_at", "session_ip_started"),
        (Session, Q(kind="admin"), "started_at", "session_admin"),
        (Session, Q(end_reason="disowned"), "started_at", "session_end_reason"),
        (SecurityEvent, Q(ip="192.0.2.7"), "at", "event_ip_at"),
        (SecurityEvent, Q(kind="deleted"), "at", "event_kind"),
        (SecurityEvent, Q(actor_kind="administrator"), "at", "event_actor_kind"),
        (SecurityEvent, Q(actor_kind="command"), "at", "event_actor_kind"),
        (SecurityEvent, Q(session_id=uuid.UUID(int=1)), "at", "event_session"),
        (Message, Q(), "created_at", "message_created"),
        (Message, Q(state="dead"), "created_at", "message_dead"),
    ],
)
def test_a_filter_has_an_index_that_can_answer_it(rows: Any, condition: Q, column: str, index: str) -> None:
    """Empty tables show only whether an index fits. Whether it is the best one depends on the rows."""
    with connection.cursor() as cursor:
        others = "SELECT indexrelid::regclass FROM pg_index WHERE indrelid = %s::regclass AND NOT indisprimary"
        cursor.execute(others, [rows._meta.db_table])
        # This is in the test's transaction, so the other indexes come back afterwards.
        for (other,) in cursor.fetchall():
            if other != index and not _carries_a_constraint(cursor, other):
                cursor.execute(f"DROP INDEX {other}")
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = rows.objects.filter(condition).order_by(f"-{column}", "-pk")[:100].explain()
    assert index in plan


def _carries_a_constraint(cursor: Any, index: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_constraint WHERE conindid = %s::regclass", [index])
    return cursor.fetchone() is not None


def test_an_empty_search_finds_nobody(alice: Any) -> None:
    for typed in ("", "*", "%", "_____", "lice", "example.org"):
        assert not User.objects.filter(directory.users(typed)).exists(), typed


def test_who_is_verified(alice: Any) -> None:
    assert not User.objects.filter(addresses.are_verified()).exists()
    assert User.objects.filter(~addresses.are_verified()).count() == 1
