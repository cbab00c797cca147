"""Every security event names its actor: a stranger, the user, an administrator or a command."""

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client

from accounts.flows.administer import change_user
from accounts.models import Message, SecurityEvent, Session, User
from tests.clients.authapi import NEW_PASSWORD, PASSWORD, AuthApi
from tests.clients.fastapi_users import FastAPIUsers
from tests.flows.context import client, logged_in, signed_up
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db


def events() -> list[tuple[str, str, str | None]]:
    """Kind, kind of actor and the actor's name of every event, the oldest first; and forgets them."""
    rows = SecurityEvent.objects.order_by("id").values_list("kind", "actor_kind", "actor__username")
    found = list(rows)
    SecurityEvent.objects.all().delete()
    return found


@pytest.fixture
def root(alice: Any, api: AuthApi) -> Client:
    """A browser in which root, an administrator, is logged in."""
    api.register("boss")
    User.objects.filter(username="boss").update(is_staff=True, is_superuser=True)
    client = Client()
    client.post("/admin/login/", {"username": "boss", "password": PASSWORD})
    events()
    return client


def test_users(api: AuthApi, letters: Mailbox) -> None:
    alice = api.register("alice").json()
    api.verify_email(**link_values(letters.only()))
    api.call("PATCH", "user/", {"username": "Alicia"}, token=alice["access"])
    api.call("PATCH", "user/", {"username": "alice"}, token=alice["access"])
    api.change_password(alice["access"], PASSWORD, NEW_PASSWORD)
    api.logout(alice["access"])
    assert events() == [
        (kind, "user", "alice")
        for kind in (
            "registered",
            "logged_in",
            "email_verified",
            "profile_changed",
            "profile_changed",
            "password_changed",
            "session_ended",
        )
    ]


def test_strangers_and_who_has_a_mailed_link(api: AuthApi, alice: Any, letters: Mailbox) -> None:
    letters.collect()
    events()
    api.login("alice", "wrong-horse-9")
    api.reset("alice@example.org")
    assert events() == [("login_failed", "stranger", None), ("password_reset_requested", "stranger", None)]
    assert api.confirm_reset(**link_values(letters.only()), new=NEW_PASSWORD).status_code == 200
    assert events() == [("session_ended", "user", "alice"), ("password_reset", "user", "alice")]


def test_administrators(root: Client, alice: Any) -> None:
    editors = Group.objects.create(name="editors")
    url = f"/admin/accounts/user/{alice['user']['pk']}/change/"
    body = {"username": "Alicia", "is_staff": "on", "groups": [editors.pk], "email_verified": "on"}
    assert root.post(url, body).status_code == 302
    assert events() == [
        (kind, "administrator", "boss")
        for kind in (
            "profile_changed",
            "roles_changed",
            "groups_changed",
            "email_verified",
            "deactivated",
            "session_ended",
        )
    ]
    page = root.get("/admin/accounts/securityevent/").content.decode()
    assert "Done by" in page or "done by" in page.lower()


def test_superusers_through_the_api(root: Client, api: AuthApi, alice: Any) -> None:
    token = FastAPIUsers().token("boss@example.org")
    events()
    FastAPIUsers().change(alice["user"]["pk"], token, is_verified=True)
    FastAPIUsers().delete(alice["user"]["pk"], token)
    assert events() == [("email_verified", "administrator", "boss"), ("deleted", "administrator", "boss")]


def test_commands(api: AuthApi, alice: Any) -> None:
    events()
    call_command("end_sessions", "--all", stdout=StringIO())
    assert events() == [("session_ended", "command", None)]


def test_who_deletes_themselves_leaves_no_name(root: Client) -> None:
    User.objects.filter(username="alice").update(is_superuser=True)
    token = FastAPIUsers().token("boss@example.org")
    FastAPIUsers().delete(str(User.objects.get(username="boss").pk), token)
    event = SecurityEvent.objects.get(kind="deleted")
    assert (event.actor_kind, event.actor_id, event.ip) == ("administrator", None, "")


def test_an_administrators_address_is_not_told_to_the_user(api: AuthApi) -> None:
    user = signed_up()
    access = logged_in().tokens.access
    by_root = client(ip="198.51.100.9").by_administrator(user.pk)
    change_user(user=user, avatar_url="https://example.org/a.png", password="third-horse-99", context=by_root)
    assert SecurityEvent.objects.get(kind="password_changed").ip == "198.51.100.9"
    letter = Message.objects.get(kind="password_changed")
    assert "198.51.100.9" not in letter.text + letter.html
    Session.objects.update(ended_at=None)
    shown = api.call("GET", "events/", token=access).json()["results"]
    assert {event["ip"] for event in shown if event["kind"] in ("password_changed", "profile_changed")} == {""}
    assert "198.51.100.9" not in str(shown)
