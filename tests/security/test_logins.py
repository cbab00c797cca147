"""Rows 7, 14, 20, 26 and 29 of the security list, at every door with a login."""

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Session, User
from config.logs import JSONLines
from tests import graphql_schema, openapi
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex
from tests.clients.fastapi_users import FastAPIUsers

pytestmark = pytest.mark.django_db
WRONG = "wrong-horse-9"
LogIn = Callable[[str, str], Any]


def admin_login(name: str, password: str) -> Any:
    return Client().post("/admin/login/", {"username": name, "password": password})


DOORS: dict[str, LogIn] = {
    "AuthApi": lambda name, password: AuthApi().login(name, password),
    "AuthApi, by address": lambda name, password: AuthApi().login(name, password, field="email"),
    "FastAPI Users": lambda name, password: FastAPIUsers().login(name, password),
    "FastAPI Users, cookie": lambda name, password: FastAPIUsers().cookie_login(name, password),
    "Durudex": lambda name, password: Durudex().login(name, password),
    "Durudex, older": lambda name, password: Durudex(older=True).login(name, password),
    "admin": admin_login,
}


@pytest.mark.parametrize("door", DOORS)
def test_row_7_a_password_has_no_age(api: AuthApi, door: str) -> None:
    api.register("alice")
    User.objects.update(is_staff=True)
    with time_machine.travel(timezone.now() + timezone.timedelta(days=730), tick=False):
        DOORS[door]("alice@example.org", PASSWORD)
        # The other session is that of the registration, which expired long ago.
        assert Session.objects.live(timezone.now()).count() == 1


def test_row_14_nobody_is_asked_for_a_hint() -> None:
    names = {
        name for shape in openapi.document()["components"]["schemas"].values() for name in shape.get("properties", ())
    }
    for schema in graphql_schema.documents().values():
        names |= set(re.findall(r"(\w+)(?:\(.*\))?: ", schema))
    assert {"new_password1", "old_password", "signUp", "password"} <= names
    # A second factor answers a challenge.
    names.remove("answerChallenge")
    assert {name for name in names if re.search("hint|question|answer|maiden|birth", name, re.IGNORECASE)} == set()


@pytest.mark.parametrize("door", DOORS)
def test_row_20_every_refusal_is_one(api: AuthApi, door: str) -> None:
    for name in ("alice", "gone", "new"):
        api.register(name)
    User.objects.update(is_staff=True)
    User.objects.filter(username="gone").update(is_active=False)
    before = Session.objects.count()
    cases = [("alice", WRONG), ("gone", PASSWORD), ("gone", WRONG), ("nobody", PASSWORD), ("nobody", WRONG)]
    said = set()
    for name, password in cases:
        address = f"{name}@example.org"
        answer = DOORS[door](address, password)
        # The admin's form shows the typed name, and a new token each time.
        body = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode()).replace(address, "")
        passing = {"X-Request-ID", "Expires", "Content-Length"}
        headers = sorted(header for header in answer.headers.items() if header[0] not in passing)
        said.add((answer.status_code, body, tuple(headers)))
    assert len(said) == 1
    assert Session.objects.count() == before


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", ["admin", "root", "test", "user", "guest", "accounts", "postgres"])
def test_row_26_there_is_no_account_that_nobody_made(rows: Any, door: str, name: str) -> None:
    assert rows()["User"] == 0
    for password in (name, "password", "changeme", ""):
        DOORS[door](name, password)
    assert (rows()["User"], rows()["Session"]) == (0, 0)


@pytest.mark.parametrize("door", DOORS)
def test_row_29_no_secret_is_logged(api: AuthApi, door: str, caplog: pytest.LogCaptureFixture) -> None:
    api.register("alice", password="canary-horse-9")
    User.objects.update(is_staff=True)
    caplog.clear()
    caplog.set_level(logging.DEBUG)
    for name, password in (
        ("alice@example.org", "canary-horse-9"),
        ("alice@example.org", "canary-horse-8"),
        ("canary\r\n{forged}", "canary-horse-9"),
    ):
        DOORS[door](name, password)
    formatter = JSONLines()
    lines = [formatter.format(record) for record in caplog.records]
    assert len([line for line in lines if '"message": "request"' in line]) == 3
    for line in lines:
        assert len(line.splitlines()) == 1
        assert not {"canary", "forged", "alice"} & set(re.findall(r"\w+", line))
