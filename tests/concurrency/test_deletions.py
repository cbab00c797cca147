"""Deleting an account does not delay others: it locks only its own rows, and finds its mail by an index."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, connections, transaction

from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.administer import add_user, change_user, delete_user
from accounts.models import Message, User
from tests.clients.authapi import PASSWORD
from tests.concurrency.race import IS_POSTGRES, race, rounds
from tests.flows.context import client
from tests.statements import Statements

pytestmark = pytest.mark.django_db(transaction=True)


def added(name: str, *, is_superuser: bool = False) -> User:
    email = f"{name}@example.org"
    return add_user(
        username=name, email=email, password=PASSWORD, is_superuser=is_superuser, verified=True, context=client()
    )


@contextmanager
def locked(user: User) -> Iterator[None]:
    """Somebody else holds the row of `user` while the block runs."""
    is_held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            User.objects.select_for_update().get(pk=user.pk)
            is_held.set()
            may_end.wait(30)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert is_held.wait(30)
    try:
        yield
    finally:
        may_end.set()
        thread.join()


@pytest.mark.skipif(not IS_POSTGRES, reason="SQLite locks no rows")
def test_only_superusers_wait_for_superusers() -> None:
    root, other = added("root", is_superuser=True), added("other", is_superuser=True)
    alice, bob = added("alice"), added("bob")
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '500ms'")
    try:
        with locked(root):
            change_user(user=bob, is_active=False, is_staff=False, is_superuser=False, context=client())
            delete_user(user=alice, context=client())
            with pytest.raises(OperationalError, match="lock timeout"):
                delete_user(user=other, context=client())
    finally:
        connection.close()
    assert set(User.objects.values_list("username", "is_active")) == {("root", True), ("other", True), ("bob", False)}


def test_of_two_superusers_who_delete_each_other_one_stays() -> None:
    for _round in range(rounds(20)):
        User.objects.all().delete()
        pair = [added("root", is_superuser=True), added("other", is_superuser=True)]

        def delete(user: User) -> str:
            try:
                delete_user(user=user, context=client())
            except AccountError as refused:
                return refused.code
            return "deleted"

        assert sorted(race(*(lambda user=user: delete(user) for user in pair))) == [  # type: ignore[misc]
            "deleted",
            ErrorCode.LAST_SUPERUSER,
        ]
        assert User.objects.filter(is_superuser=True, is_active=True).count() == 1


@pytest.mark.skipif(not IS_POSTGRES, reason="the plans of PostgreSQL")
def test_mail_is_found_by_an_index() -> None:
    alice = added("alice")
    others = User.objects.bulk_create(
        User(username=f"u{n}", username_key=f"u{n}", email=f"u{n}@example.org", email_key=f"u{n}@example.org")
        for n in range(500)
    )
    Message.objects.bulk_create(
        Message(kind="password_reset", to=owner.email, message_id=f"{owner.pk} {n}", user=owner if n % 2 else None)
        for owner in others
        for n in range(10)
    )
    mine = [Message(kind="password_reset", to=to, message_id=to) for to in ("alice@example.org", "Alice@example.org")]
    mine.append(Message(kind="password_reset", to="alice@example.net", message_id="former", user=alice))
    Message.objects.bulk_create(mine)
    with Statements() as statements:
        delete_user(user=alice, context=client())
    assert Message.objects.count() == 5000
    about_mail = [sql for sql in statements.sql if "accounts_message" in sql]
    assert len(about_mail) >= 2
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_message")
        for sql in about_mail:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Seq Scan on accounts_message" not in plan, (sql, plan)
            assert "accounts_message_user_id" in plan or "message_nobodys" in plan, (sql, plan)
