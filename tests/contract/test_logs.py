"""Logs are one JSON object a line and carry no secrets (ASVS 5.0, 16.2.5)."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.ops.requests import RequestIdFilter
from config.logs import ConsoleLines, JSONLines, logging_settings
from tests.clients.authapi import AuthApi
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db
CANARY = "canary-horse-9"


def test_no_secret_is_logged(letters: Mailbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="accounts")
    api = AuthApi(**{"User-Agent": "x\r\nforged: line", "X-Request-ID": "forged\r\nid"})
    tokens = api.register("alice", password=CANARY).json()
    api.login("alice\r\nforged", CANARY)
    api.login("alice", CANARY + "!")
    api.refresh(tokens["refresh"])
    api.user(tokens["access"])
    key = link_values(letters.only())["key"]
    Client().get(f"/verify-email?key={key}")
    api.verify_email(key)
    formatter = JSONLines()
    lines = [formatter.format(record) for record in caplog.records]
    assert [len(line.splitlines()) for line in lines] == [1] * 8
    said = [json.loads(line) for line in lines]
    requests = [each for each in said if each["logger"] == "accounts.requests"]
    assert len(requests) == 7
    for each in requests:
        assert {"request_id", "method", "path", "status", "milliseconds"} <= set(each)
    assert [each["message"] for each in said if each not in requests] == ["a mail was sent"]
    everything = "\n".join(lines)
    for secret in (CANARY, tokens["access"], tokens["refresh"], key, "alice", "forged"):
        assert secret not in everything


@pytest.fixture
def failure(caplog: pytest.LogCaptureFixture) -> Iterator[logging.LogRecord]:
    """The log record of a request that fails because of a programming error."""

    def fail(*args: Any) -> None:
        raise RuntimeError("a mistake")

    caplog.handler.addFilter(RequestIdFilter())
    with connection.execute_wrapper(fail):
        answer = Client(raise_request_exception=False).post(
            f"/api/auth/login/?key={CANARY}",
            json.dumps({"username": "alice", "password": CANARY}),
            content_type="application/json",
            headers={"X-Request-ID": "the-id"},
        )
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (500, "the-id")
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    return record


def test_a_failure_names_its_request_and_not_its_query(failure: logging.LogRecord) -> None:
    line = JSONLines().format(failure)
    assert len(line.splitlines()) == 1
    said = json.loads(line)
    assert (said["level"], said["message"], said["request_id"]) == (
        "ERROR",
        "Internal Server Error: /api/auth/login/",
        "the-id",
    )
    assert "RuntimeError: a mistake" in said["exc_info"]
    assert CANARY not in line


def test_lines_for_people(failure: logging.LogRecord) -> None:
    first, *rest = ConsoleLines().format(failure).splitlines()
    assert (
        first[8:] == " ERROR django.request Internal Server Error: /api/auth/login/ status_code=500 request_id=the-id"
    )
    assert rest[-1] == "RuntimeError: a mistake"
    assert CANARY not in first


def test_the_level_and_the_format_are_settings() -> None:
    chosen = logging_settings(level="WARNING", format="console")
    assert chosen["root"] == {"handlers": ["stderr"], "level": "WARNING"}
    assert chosen["handlers"]["stderr"]["formatter"] == "console"
