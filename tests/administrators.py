"""The administrators of tests, and their browsers."""

from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client

from accounts.core.context import ClientContext, Dialect
from accounts.flows.administer import add_user
from accounts.models import User
from tests.clients.authapi import PASSWORD, AuthApi

_CONTEXT = ClientContext(ip="", user_agent="", language="en", request_id="", dialect=Dialect.COMMAND)


def add_root() -> User:
    """Adds the superuser `root`, whose address is verified, as a command does."""
    return add_user(
        username="root", email="root@example.org", password=PASSWORD, is_superuser=True, verified=True, context=_CONTEXT
    )


def add_staff() -> User:
    """Adds the user `sam`, who may use the admin and has no permission yet."""
    AuthApi().register("sam")
    sam = User.objects.get(username="sam")
    sam.is_staff = True
    sam.store("is_staff")
    return sam


def log_in_to_admin(username: str) -> Client:
    """A browser in which this user is logged in to the admin."""
    client = Client()
    answer = client.post("/admin/login/?next=/admin/", {"username": username, "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    return client


def enter_admin(page: Any, site: str) -> None:
    """Logs root in to the admin in a page of a real browser."""
    page.goto(f"{site}/admin/login/")
    page.locator("#id_username").fill("root")
    page.locator("#id_password").fill(PASSWORD)
    page.locator("#id_password").press("Enter")
    page.wait_for_url(f"{site}/admin/")


def with_permissions(staff: User, *codenames: str) -> Client:
    """A browser of `staff`, who gets exactly these permissions."""
    staff.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return log_in_to_admin(staff.username)
