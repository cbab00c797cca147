"""Requests about a mailbox take the same time for known and unknown ones."""

import time
from typing import Any

import pytest
from django.db import connection

from accounts.services import pauses
from tests.clients.authapi import AuthApi
from tests.clients.durudex import Durudex
from tests.mailbox import Mailbox

EVEN_SECONDS = 0.2
PASSWORD = "correct-horse-battery-9"
NO_KEY = "MDE5.d4zzzz-" + "0" * 32


@pytest.fixture(autouse=True)
def _even_time(no_waiting: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "EVEN_SECONDS", EVEN_SECONDS)


def test_it_lasts_after_an_exception_too(db: Any) -> None:
    began = time.monotonic()
    with pytest.raises(LookupError), pauses.even_time():
        raise LookupError
    assert time.monotonic() - began >= EVEN_SECONDS


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("password/reset/", {"email": "{name}@example.org"}),
        ("registration/resend-email/", {"email": "{name}@example.org"}),
        ("login/code/", {"email": "{name}@example.org"}),
        ("login/code/confirm/", {"email": "{name}@example.org", "code": "000000"}),
        (
            "password/reset/confirm/",
            {"uid": "MDE5", "token": NO_KEY, "new_password1": PASSWORD, "new_password2": PASSWORD},
        ),
    ],
)
@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_doors_of_the_authapi(alice: dict[str, Any], api: AuthApi, path: str, body: dict[str, str], name: str) -> None:
    began = time.monotonic()
    api.call("POST", path, {field: value.replace("{name}", name) for field, value in body.items()})
    assert time.monotonic() - began >= EVEN_SECONDS


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_code_of_durudex(alice: dict[str, Any], name: str) -> None:
    began = time.monotonic()
    Durudex().create_code(f"{name}@example.org")
    assert time.monotonic() - began >= EVEN_SECONDS


@pytest.mark.parametrize("name", ["alice", "fresh"])
def test_registration_where_verification_is_mandatory(
    alice: dict[str, Any], api: AuthApi, settings: Any, letters: Mailbox, name: str
) -> None:
    settings.EMAIL_VERIFICATION = "mandatory"
    began = time.monotonic()
    body = {"username": "fresh", "email": f"{name}@example.org", "password1": PASSWORD, "password2": PASSWORD}
    assert api.call("POST", "registration/", body).status_code == 201
    assert time.monotonic() - began >= EVEN_SECONDS


@pytest.mark.django_db(transaction=True)
def test_who_waits_keeps_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[object] = []
    monkeypatch.setattr(time, "sleep", lambda _seconds: held.append(connection.connection))
    connection.ensure_connection()
    monkeypatch.setattr(connection, "close_at", 0)
    pauses.pause(1)
    assert held == [None]
