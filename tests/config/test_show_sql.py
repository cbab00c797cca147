import logging
from typing import Any

import pytest
from django.test import Client

from accounts.ops.statements import StatementLogMiddleware
from tests.clients.authapi import AuthApi


@pytest.mark.django_db
def test_every_statement_is_logged_without_its_parameters(
    api: AuthApi, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    api.register("alice")
    name = f"{StatementLogMiddleware.__module__}.{StatementLogMiddleware.__qualname__}"
    settings.MIDDLEWARE = [settings.MIDDLEWARE[0], name, *settings.MIDDLEWARE[1:]]
    with caplog.at_level(logging.INFO, "accounts.statements"):
        Client().post("/api/auth/password/reset/", {"email": "alice@example.org"})
    statements = [record.sql for record in caplog.records if record.name == "accounts.statements"]
    assert any(sql.startswith('INSERT INTO "accounts_message"') for sql in statements)
    assert not any("alice" in sql for sql in statements)
