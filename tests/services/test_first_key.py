"""A new installation publishes a key before it has signed anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import SigningKey
from accounts.services import keys
from tests.clients.authapi import AuthApi
from tests.concurrency.race import race, rounds
from tests.services.test_keys import kid_of

pytestmark = pytest.mark.django_db(transaction=True)


def published() -> Any:
    return Client().get("/.well-known/jwks.json")


@contextmanager
def read_only() -> Iterator[None]:
    """The database like a replica: it answers reads and refuses writes."""
    on_postgres = connection.vendor == "postgresql"
    for_this, for_that = (
        ("SET default_transaction_read_only = on", "SET default_transaction_read_only = off")
        if on_postgres
        else ("PRAGMA query_only = ON", "PRAGMA query_only = OFF")
    )
    with connection.cursor() as cursor:
        cursor.execute(for_this)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(for_that)


def test_is_published_before_it_signs(api: AuthApi) -> None:
    answer = published()
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    (key,) = answer.json()["keys"]
    assert kid_of(api.register("alice").json()["access"]) == key["kid"]
    assert published().json() == {"keys": [key]}
    assert SigningKey.objects.count() == 1


def test_is_made_once() -> None:
    for _round in range(rounds(20)):
        SigningKey.objects.all().delete()
        keys.forget()
        answers = race(*[published] * 8)
        (kid,) = SigningKey.objects.values_list("kid", flat=True)
        assert {key["kid"] for answer in answers for key in answer.json()["keys"]} == {kid}
        assert [len(answer.json()["keys"]) for answer in answers] == [1] * 8


def test_a_database_that_cannot_be_written_to() -> None:
    with read_only():
        answer = published()
        assert (answer.status_code, answer.json(), answer.headers["Cache-Control"]) == (200, {"keys": []}, "no-store")
    assert len(published().json()["keys"]) == 1
