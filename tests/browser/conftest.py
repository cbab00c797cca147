import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WITHOUT_BACKGROUND = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A real browser. Where the machine has none the tests are skipped, and say so."""
    if CHROMIUM is None:
        pytest.skip("NOT CHECKED: no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    # Playwright runs a loop in this thread, in which Django would refuse every query.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=WITHOUT_BACKGROUND)
            yield browser
            browser.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def site(live_server: Any, settings: Any) -> str:
    """The origin of a served copy of the product, which its mails link to."""
    settings.PUBLIC_URL = live_server.url
    settings.CSRF_TRUSTED_ORIGINS = [live_server.url]
    settings.VERIFY_EMAIL_URL = live_server.url + "/verify-email?key={key}"
    settings.PASSWORD_RESET_URL = live_server.url + "/reset-password?uid={uid}&token={token}"
    return str(live_server.url)


@pytest.fixture
def page(chromium: Any, site: str) -> Iterator[Any]:
    """A page of a fresh browser profile without JavaScript; any request to another host or any console error fails."""
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 700})
    yield from _watched(context, site)


@pytest.fixture
def scripted_page(chromium: Any, site: str) -> Iterator[Any]:
    """The same with JavaScript, at a desk."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield from _watched(context, site)


def _watched(context: Any, site: str) -> Iterator[Any]:
    page = context.new_page()
    problems: list[str] = []
    page.on(
        "request",
        lambda request: None if request.url.startswith((site, "data:", "blob:")) else problems.append(request.url),
    )
    # A page that refuses is a 400, which the browser tells as an error of its own.
    page.on(
        "console",
        lambda message: (
            problems.append(message.text)
            if message.type == "error" and "status of 400 (Bad Request)" not in message.text
            else None
        ),
    )
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.problems = problems
    yield page
    context.close()
    assert problems == []


@pytest.fixture
def look() -> Any:
    """Keeps a picture of a page under the folder SCREENSHOTS, for a person to look at; does nothing without it."""

    def keep(page: Any, name: str) -> None:
        if folder := os.environ.get("SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    return keep


@pytest.fixture
def origin(site: str, settings: Any) -> str:
    """Passkeys are bound to a domain: an IP address is none."""
    settings.PUBLIC_URL = site.replace("127.0.0.1", "localhost")
    settings.ALLOWED_HOSTS = ["*"]
    return str(settings.PUBLIC_URL)


@pytest.fixture
def device(chromium: Any, origin: str) -> Iterator[Any]:
    """A page at 360 px, of a browser with a device that verifies its user."""
    context = chromium.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(origin) else problems.append(asked.url))
    cdp = context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield page
    assert problems == []
    context.close()
