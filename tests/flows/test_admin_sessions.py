"""The admin's cookie stands for a session row: it is listed and ended like any other session."""

from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import SecurityEvent, Session, User
from tests.clients.authapi import PASSWORD, AuthApi

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(alice: Any) -> Client:
    """A browser in which alice, who is a superuser, is logged in to the admin."""
    User.objects.update(is_staff=True, is_superuser=True)
    client = Client()
    assert client.post("/admin/login/", {"username": "alice", "password": PASSWORD}).status_code == 302
    assert client.get("/admin/").status_code == 200
    return client


def is_in(browser: Client) -> bool:
    return bool(browser.get("/admin/").status_code == 200)


def test_it_is_listed_and_ended_by_its_user(api: AuthApi, alice: Any, browser: Client) -> None:
    listed = api.call("GET", "sessions/", token=alice["access"]).json()["results"]
    (own,) = [session for session in listed if session["dialect"] == "admin"]
    assert api.call("DELETE", f"sessions/{own['id']}/", token=alice["access"]).status_code == 204
    assert not is_in(browser)


def test_end_sessions_ends_it(browser: Client) -> None:
    call_command("end_sessions", "--user", "alice", stdout=StringIO())
    assert not is_in(browser)


def test_a_password_change_ends_it(api: AuthApi, alice: Any, browser: Client) -> None:
    assert api.change_password(alice["access"], PASSWORD, "battery-staple-7").status_code == 200
    assert not is_in(browser)


def test_a_password_change_in_the_admin_ends_all_others(api: AuthApi, alice: Any, browser: Client) -> None:
    other = Client()
    other.post("/admin/login/", {"username": "alice", "password": PASSWORD})
    body = {"old_password": PASSWORD, "new_password1": "battery-staple-7", "new_password2": "battery-staple-7"}
    assert browser.post("/admin/password_change/", body).status_code == 302
    assert (is_in(browser), is_in(other), api.user(alice["access"]).status_code) == (True, False, 401)


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_who_may_no_longer_is_out_at_once(browser: Client, change: dict[str, bool]) -> None:
    User.objects.update(**change)
    assert not is_in(browser)


def test_it_lives_twelve_hours(browser: Client) -> None:
    now = timezone.now()
    for minutes in range(59, 12 * 60, 59):
        with time_machine.travel(now + timezone.timedelta(minutes=minutes), tick=False):
            assert is_in(browser)
    with time_machine.travel(now + timezone.timedelta(hours=11, minutes=59), tick=False):
        assert is_in(browser)
    with time_machine.travel(now + timezone.timedelta(hours=12, seconds=1), tick=False):
        assert not is_in(browser)


def test_it_ends_after_an_hour_without_use(browser: Client) -> None:
    used = Session.objects.get(kind="admin").last_used_at
    with time_machine.travel(used + timezone.timedelta(minutes=59, seconds=59), tick=False):
        assert is_in(browser)
    used += timezone.timedelta(minutes=59, seconds=59)
    assert Session.objects.get(kind="admin").last_used_at == used
    with time_machine.travel(used + timezone.timedelta(hours=1), tick=False):
        assert not is_in(browser)
        assert browser.post("/admin/accounts/user/", {}).headers["Location"].startswith("/admin/login/")
    # What looked too late is no use.
    assert Session.objects.get(kind="admin").last_used_at == used


def test_a_use_is_noted_once_a_minute(browser: Client, django_assert_num_queries: Any) -> None:
    used = Session.objects.get(kind="admin").last_used_at
    for seconds, noted, statements in ((59, 0, 1), (60, 60, 2), (61, 60, 1), (119, 60, 1), (120, 120, 2)):
        moment = used + timezone.timedelta(seconds=seconds)
        with time_machine.travel(moment, tick=False), django_assert_num_queries(statements):
            browser.get("/admin/password_change/")
        assert Session.objects.get(kind="admin").last_used_at == used + timezone.timedelta(seconds=noted)


def test_logging_out_ends_it_and_an_old_cookie_is_worth_nothing(browser: Client) -> None:
    stolen = Client()
    stolen.cookies["sessionid"] = browser.cookies["sessionid"].value
    assert is_in(stolen)
    assert b"Logged out" in browser.post("/admin/logout/").content
    assert (is_in(browser), is_in(stolen)) == (False, False)
    session = Session.objects.get(kind="admin")
    assert session.end_reason == "logged_out"
    assert SecurityEvent.objects.filter(kind="session_ended", session_id=session.pk).count() == 1
    assert browser.get("/admin/logout/").status_code == 405


def test_what_is_stored_logs_nobody_in(browser: Client) -> None:
    from django.contrib.sessions.models import Session as DjangoSession

    assert DjangoSession.objects.count() == 0
    session = Session.objects.get(kind="admin")
    for value in (str(session.pk), session.refresh_hash):
        forged = Client()
        forged.cookies["sessionid"] = value
        assert not is_in(forged)


def test_an_api_session_does_not_open_the_admin(browser: Client) -> None:
    Session.objects.filter(kind="admin").update(kind="api")
    assert not is_in(browser)


def test_the_cookie_belongs_to_the_admin_alone(browser: Client) -> None:
    cookie = browser.cookies["sessionid"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/admin/", True, "Lax")
    assert cookie["max-age"] == 12 * 60 * 60
