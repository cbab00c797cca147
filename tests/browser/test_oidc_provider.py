"""npm's certified OpenID Connect provider, from the page to log in to a session, linked, and back out."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount

from accounts.models import Session, User
from accounts.services.providers import oidc
from tests.clients.authapi import PASSWORD, AuthApi
from tests.provider import Issuer
from tests.sdk.__main__ import alone, npm_ci
from tests.sdk.sdks import kept
from tests.servers import free_port

SOURCE = Path(__file__).resolve().parent / "oidc"
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("npm") is None, reason="NOT CHECKED: no Node.js on this machine"),
]


@pytest.fixture
def provider(site: str, settings: Any) -> Iterator[str]:
    """Its origin. Whoever logs in as X there has the address X@example.org, verified."""
    modules = kept("package-lock.json", SOURCE)
    with alone():
        npm_ci(SOURCE, modules)
        shutil.copy(SOURCE / "serve.mjs", modules)
    port = free_port()
    command = ["node", "serve.mjs", str(port), f"{site}/login/provider/acme/callback"]
    with subprocess.Popen(command, cwd=modules, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        while "ready" not in process.stdout.readline():
            assert process.poll() is None
        oidc.forget()
        settings.SOCIAL_PROVIDERS = [Issuer(port=port).entry()]
        yield f"http://127.0.0.1:{port}"
        process.terminate()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 390, "height": 740})
    yield context.new_page()
    context.close()


def log_in(page: Any, site: str, person: str, *, knows_us: bool = False) -> None:
    page.goto(f"{site}/login")
    page.get_by_role("link", name="Log in with Acme").click()
    if page.locator("input[name=login]").count():
        page.locator("input[name=login]").fill(person)
        page.locator("input[name=password]").fill("anything")
        page.get_by_role("button", name="Sign-in").click()
    if not knows_us:
        page.get_by_role("button", name="Continue").click()


def test_from_the_page_to_a_session_and_back(browser: Any, site: str, provider: str) -> None:
    log_in(browser, site, "alice")
    browser.get_by_text("You are logged in as alice").wait_for()
    user = User.objects.with_address().get()
    assert (user.email, user.email_verified) == ("alice@example.org", True)
    assert SocialAccount.objects.values_list("provider", "uid").get() == ("acme", "alice")
    assert Session.objects.get().amr == "provider"
    browser.get_by_role("button", name="Log out").click()
    browser.get_by_label("Password").wait_for()
    # The provider remembers them.
    log_in(browser, site, "alice", knows_us=True)
    browser.get_by_text("You are logged in as alice").wait_for()
    assert User.objects.count() == 1


def test_an_account_that_is_here_already(browser: Any, site: str, provider: str, api: AuthApi) -> None:
    api.register("alice")
    User.objects.get().emailaddress_set.update(verified=True)
    log_in(browser, site, "alice")
    browser.get_by_text("You are logged in as alice").wait_for()
    assert SocialAccount.objects.get().user == User.objects.get()
    assert api.login("alice", PASSWORD).status_code == 200


def test_who_says_no_there(browser: Any, site: str, provider: str) -> None:
    browser.goto(f"{site}/login")
    browser.get_by_role("link", name="Log in with Acme").click()
    browser.get_by_role("link", name="[ Cancel ]").click()
    browser.get_by_text("The provider did not confirm who you are. Begin again.").wait_for()
    assert (User.objects.count(), Session.objects.count()) == (0, 0)
