"""Passkeys in a real browser, with the authenticator that Chromium simulates for its own tests (CDP, WebAuthn)."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.core import clock
from accounts.models import Passkey, Session, User
from tests.clients.authapi import PASSWORD, AuthApi

pytestmark = pytest.mark.django_db(transaction=True)


def log_in(page: Any, origin: str) -> None:
    page.goto(f"{origin}/passkeys")
    page.get_by_label("Username or e-mail").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).first.click()


def test_a_passkey_is_added_and_logs_in(device: Any, origin: str, api: AuthApi) -> None:
    api.register("alice")
    log_in(device, origin)
    device.get_by_text("You are logged in as alice").wait_for()
    device.get_by_label("Name of the new passkey").fill("Phone")
    device.get_by_role("button", name="Add a passkey").click()
    device.get_by_text("The passkey was added.").wait_for()
    assert len(device.locator("#codes").inner_text().split()) == 10
    assert device.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert Passkey.objects.get().name == "Phone"
    # Without a name or a password.
    device.goto(f"{origin}/passkeys")
    device.get_by_role("button", name="Log in with a passkey").first.click()
    device.get_by_text("You are logged in as alice").wait_for()
    assert Session.objects.latest("started_at").amr == "passkey"
    # As the second factor of a password.
    log_in(device, origin)
    device.locator("#with-second-passkey").click()
    device.get_by_text("You are logged in as alice").wait_for()
    assert Session.objects.latest("started_at").amr == "pwd passkey"
    device.get_by_role("button", name="Remove: Phone").click()
    device.locator("#passkeys li").wait_for(state="detached")
    assert Passkey.objects.count() == 0


def test_a_device_without_a_passkey(device: Any, origin: str, api: AuthApi) -> None:
    api.register("alice")
    device.goto(f"{origin}/passkeys")
    device.get_by_role("button", name="Log in with a passkey").first.click()
    device.get_by_text("The device gave no answer, or it was cancelled.").wait_for(timeout=20_000)
    assert Session.objects.count() == 1


@pytest.fixture
def administrator(device: Any, origin: str, api: AuthApi, settings: Any) -> None:
    """alice, who has a passkey in this device and has just given her password to the admin."""
    settings.CSRF_TRUSTED_ORIGINS = [origin]
    api.register("alice")
    log_in(device, origin)
    device.get_by_text("You are logged in as alice").wait_for()
    device.get_by_role("button", name="Add a passkey").click()
    device.get_by_text("The passkey was added.").wait_for()
    User.objects.update(is_staff=True, is_superuser=True)
    device.goto(f"{origin}/admin/")
    device.get_by_label("Username").fill("alice")
    device.get_by_label("Password").fill(PASSWORD)
    device.get_by_role("button", name="Log in").click()


def test_an_administrator(device: Any, administrator: None) -> None:
    device.get_by_role("button", name="Log in with a passkey").click()
    device.get_by_role("link", name="Second factor").wait_for()
    session = Session.objects.latest("started_at")
    assert (session.kind, session.amr) == ("admin", "pwd passkey")


def test_an_administrator_proves_who_they_are(device: Any, origin: str, administrator: None, look: Any) -> None:
    assert not device.locator("#passkey-problem").is_visible()
    device.get_by_role("button", name="Log in with a passkey").click()
    device.get_by_role("link", name="Second factor").wait_for()
    before = clock.now() - timedelta(minutes=30)
    Session.objects.filter(kind="admin").update(auth_time=before)
    device.goto(f"{origin}/admin/accounts/user/{User.objects.get().pk}/delete/")
    assert device.url.startswith(f"{origin}/admin/proof/")
    assert device.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not device.locator("#passkey-problem").is_visible()
    look(device, "admin-proof-with-a-passkey-360")
    device.get_by_role("button", name="Prove it with a passkey").click()
    device.wait_for_url("**/delete/")
    assert Session.objects.get(kind="admin").auth_time > before
