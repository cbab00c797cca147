"""The beginning of sessions: row, token and lifetime, and the same refusals for every way to log in."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.core import clock
from accounts.models import SecurityEvent, Session, User
from accounts.models.session import find_live
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex
from tests.clients.fastapi_users import FastAPIUsers
from tests.statements import Statements

pytestmark = pytest.mark.django_db
ADDRESS = "alice@example.org"


def to_admin() -> Any:
    return Client().post("/admin/login/", {"username": "alice", "password": PASSWORD})


DOORS: dict[str, tuple[Callable[[], Any], str, str, int]] = {
    # way in, dialect, kind, hours
    "authapi": (lambda: AuthApi().login("alice"), "authapi", "api", 30 * 24),
    "fastapi_users": (lambda: FastAPIUsers().login(ADDRESS), "fastapi_users", "api", 1),
    "cookie": (lambda: FastAPIUsers().cookie_login(ADDRESS), "fastapi_users", "browser", 1),
    "durudex": (lambda: Durudex().login("alice"), "durudex", "api", 30 * 24),
    "admin": (to_admin, "admin", "admin", 12),
}


@pytest.fixture
def staff(alice: Any) -> Any:
    User.objects.update(is_staff=True)
    Session.objects.all().delete()
    SecurityEvent.objects.all().delete()
    return alice


@pytest.mark.parametrize("door", DOORS)
def test_every_way_in_writes_one_session_and_one_event(staff: Any, door: str) -> None:
    way_in, dialect, kind, hours = DOORS[door]
    with time_machine.travel(timezone.now(), tick=False):
        assert way_in().status_code in (200, 204, 302)
        now = clock.now()
    session, event, user = Session.objects.get(), SecurityEvent.objects.get(), User.objects.get()
    assert (session.dialect, session.kind, session.amr) == (dialect, kind, "pwd")
    assert session.auth_time == session.started_at == user.last_visit == now
    assert session.expires_at == now + timezone.timedelta(hours=hours)
    assert (event.kind, event.session_id, event.user_id) == ("logged_in", session.pk, user.pk)
    assert (event.actor_kind, event.actor_id) == ("user", user.pk)


@pytest.mark.parametrize("door", DOORS)
def test_every_way_in_refuses_who_is_not_active(staff: Any, door: str) -> None:
    User.objects.update(is_active=False)
    DOORS[door][0]()
    assert Session.objects.count() == 0
    event = SecurityEvent.objects.get()
    assert (event.kind, event.detail, event.actor_kind, event.actor_id) == (
        "login_failed",
        "invalid_credentials",
        "stranger",
        None,
    )


@pytest.mark.parametrize("door", DOORS)
def test_every_way_in_refuses_an_address_that_has_to_be_verified_first(staff: Any, door: str, settings: Any) -> None:
    settings.EMAIL_VERIFICATION = "mandatory"
    DOORS[door][0]()
    assert Session.objects.count() == 0
    assert SecurityEvent.objects.get().detail == "email_not_verified"


def test_tokens_say_how_and_when(api: AuthApi, alice: Any) -> None:
    with time_machine.travel(timezone.now() + timezone.timedelta(hours=2), tick=False):
        refreshed = api.refresh(alice["refresh"]).json()
    for access in (alice["access"], refreshed["access"]):
        claims = jwt.decode(access, options={"verify_signature": False})
        assert claims["amr"] == ["pwd"]
        assert claims["auth_time"] == int(Session.objects.get().auth_time.timestamp())


def test_a_client_that_logs_in_every_hour_has_two_live_sessions_at_most(alice: Any) -> None:
    Session.objects.all().delete()
    now = timezone.now()
    for hour in range(5):
        with time_machine.travel(now + timezone.timedelta(minutes=55 * hour), tick=False):
            token = FastAPIUsers().token(ADDRESS)
            assert FastAPIUsers().me(token).status_code == 200
            assert Session.objects.live(clock.now()).count() <= 2
    assert Session.objects.count() == 5


def test_the_statement_of_every_request_says_what_the_orm_says(api: AuthApi, alice: Any) -> None:
    now = clock.now()
    expected = Session.objects.live(now).with_user().get()
    with Statements() as statements:
        found = find_live(expected.pk, now=now)
        assert found is not None
        assert found.user.email_verified is False
    assert len(statements) == 1
    address = expected.joined_address  # type: ignore[attr-defined]
    assert (found.user.address.pk, found.user.address.verified) == (address.pk, address.verified)
    for one, other in ((found, expected), (found.user, expected.user)):
        for field in type(other)._meta.concrete_fields:
            assert getattr(one, field.attname) == getattr(other, field.attname), field.attname
    assert find_live(expected.pk, now=expected.expires_at) is None
    Session.objects.update(ended_at=now)
    assert find_live(expected.pk, now=now) is None


def test_a_user_without_an_address_is_not_verified(alice: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM account_emailaddress")
    assert User.objects.get().email_verified is False
    session = Session.objects.get()
    found = find_live(session.pk, now=clock.now())
    assert found is not None
    assert found.user.address is None
