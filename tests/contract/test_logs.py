"""Logs are one JSON object a line and carry no secrets (ASVS 5.0, 16.2.5)."""

import json
import logging

import pytest
from django.test import Client

from tests.clients.authapi import AuthApi
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db
CANARY = "canary-horse-9"


def test_no_secret_is_logged(letters: Mailbox, caplog: pytest.LogCaptureFixture) -> None:
    from django.conf import settings
    from pythonjsonlogger.json import JsonFormatter

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
    formatter = JsonFormatter(settings.LOGGING["formatters"]["json"]["fmt"])
    lines = [formatter.format(record) for record in caplog.records]
    assert len(lines) == 7
    for line in lines:
        assert len(line.splitlines()) == 1
        said = json.loads(line)
        assert {"request_id", "method", "path", "status", "milliseconds"} <= set(said)
    everything = "\n".join(lines)
    for secret in (CANARY, tokens["access"], tokens["refresh"], key, "alice", "forged"):
        assert secret not in everything
