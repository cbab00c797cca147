"""The browser application in examples/spa/: built with Vite, served on another origin, used in a real browser."""

import json
import os
import re
import shutil
import sqlite3
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyotp
import pytest

from tests.made_to_run import mailed, served
from tests.sdk.__main__ import alone, execute, npm_ci
from tests.sdk.sdks import kept
from tests.servers import free_port
from tests.threads import in_thread

SOURCE = Path(__file__).resolve().parents[2] / "examples" / "spa"
PASSWORD, NEW_PASSWORD, THIRD_PASSWORD = "correct-horse-9", "battery-staple-7", "third-horse-99"
VERIFY, RESET = r"^(http\S+/#/verify-email\?\S+)", r"^(http\S+/#/reset-password\?\S+)"

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="NOT CHECKED: no Node.js on this machine")


class Files(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def build(folder: Path, server: str) -> Path:
    """The application in the way its README builds it, for this server, with packages that are installed once."""
    modules = kept("package-lock.json", SOURCE)
    with alone():
        npm_ci(SOURCE, modules)
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules", "dist", "api.ts"))
    (folder / "node_modules").symlink_to(modules / "node_modules")
    execute(["npm", "run", "client"], folder, VITE_SERVER=server)
    execute(["npm", "run", "build"], folder, VITE_SERVER=server)
    return folder / "dist"


@dataclass
class App:
    """folder: where the product runs. server, origin: where it and the application are served."""

    server: str
    origin: str
    folder: Path
    chromium: Any

    def page(self, context: Any, path: str = "") -> Any:
        page = context.new_page()
        page.set_default_timeout(10000)
        page.goto(f"{self.origin}/{path}")
        return page

    def rows(self, statement: str, *values: str) -> list[Any]:
        database = sqlite3.connect(self.folder / "var" / "db.sqlite3")
        try:
            return database.execute(statement, values).fetchall()
        finally:
            database.close()

    def sessions(self, username: str) -> list[str]:
        """Why each session of this user has ended, "" of one that lives; the oldest first."""
        statement = (
            "SELECT end_reason FROM accounts_session JOIN accounts_user ON user_id = accounts_user.id"
            " WHERE username = ? ORDER BY started_at"
        )
        return [reason for (reason,) in self.rows(statement, username)]

    def ask(self, path: str, token: str = "", **body: str) -> Any:
        """The answer of the AuthApi to this body, or to a GET without one."""
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(f"{self.server}/api/auth/{path}/", data, headers)  # noqa: S310
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return json.load(answer)


@pytest.fixture(scope="module")
def app(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder, port = tmp_path_factory.mktemp("spa"), free_port()
    (product := folder / "product").mkdir()
    server = f"http://localhost:{port}"
    files = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(folder / "app" / "dist")))
    origin = f"http://localhost:{files.server_port}"
    settings = {
        "PUBLIC_URL": server,
        "CORS_ALLOWED_ORIGINS": origin,
        "REFRESH_COOKIE": "on",
        "VERIFY_EMAIL_URL": origin + "/#/verify-email?key={key}",
        "PASSWORD_RESET_URL": origin + "/#/reset-password?uid={uid}&token={token}",
        "WEB_CONCURRENCY": "1",
        "WRONG_PASSWORDS_PER_HOUR": "5",
    }
    with served(product, port, **settings), in_thread(files):
        build(folder / "app", server)
        yield App(server, origin, product, chromium)


@pytest.fixture
def context(app: App) -> Iterator[Any]:
    """A fresh browser profile, on a phone; a request to another host, a script's error or a broken policy fails."""
    context = app.chromium.new_context(viewport={"width": 360, "height": 740})
    problems: list[str] = []
    context.on(
        "request", lambda each: each.url.startswith((app.origin + "/", app.server + "/")) or problems.append(each.url)
    )
    context.on("weberror", lambda error: problems.append(str(error.error)))
    # Of a refusal the browser tells as an error, too.
    told = "Failed to load resource"
    context.on("console", lambda said: said.type != "error" or told in said.text or problems.append(said.text))
    yield context
    context.close()
    assert problems == []


def register(page: Any, name: str) -> None:
    page.get_by_role("link", name="Register").click()
    page.get_by_label("Username").fill(name)
    page.get_by_label("E-mail address").fill(f"{name}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()
    see(page, "Profile")


def log_in(page: Any, name: str, password: str) -> None:
    page.get_by_label("Username or e-mail address").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def see(page: Any, title: str, text: str = "") -> None:
    page.get_by_role("heading", level=1, name=title, exact=True).wait_for()
    if text:
        page.get_by_text(text, exact=True).wait_for()


def go(page: Any, title: str) -> None:
    page.get_by_role("link", name=title, exact=True).click()
    see(page, title)


@pytest.fixture
def shown(look: Any) -> Any:
    """Keeps pictures of a page, on a phone and at a desk, light and dark; it fits on each of them."""

    def keep(page: Any, name: str) -> None:
        phone = page.viewport_size
        for size, viewport in (("360", phone), ("1280", {"width": 1280, "height": 800})):
            page.set_viewport_size(viewport)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, size)
            for scheme in ("light", "dark") if os.environ.get("SCREENSHOTS") else ():
                page.emulate_media(color_scheme=scheme)
                look(page, f"spa-{name}-{size}-{scheme}")
        page.set_viewport_size(phone)

    return keep


def test_from_registration_to_a_new_password(app: App, context: Any, shown: Any) -> None:
    page = app.page(context)
    see(page, "Log in")
    shown(page, "login")
    page.get_by_role("link", name="Register").click()
    page.get_by_label("Username").fill("a b")
    page.get_by_label("E-mail address").fill("nonsense")
    page.get_by_label("Password").fill("password1")
    page.get_by_role("button", name="Register").click()
    page.locator("[aria-invalid]").first.wait_for()
    field = page.get_by_label("E-mail address")
    problem = page.locator("#" + field.get_attribute("aria-describedby").split()[-1])
    assert problem.inner_text() == "Enter a valid email address."
    shown(page, "register-refused")
    page.get_by_label("Username").fill("alice")
    field.fill("alice@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()
    see(page, "Profile", "alice@example.org (not verified)")
    shown(page, "profile")
    # No script can read the refresh token, and nothing else is kept.
    assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]

    page.goto(mailed(app.folder, "alice@example.org", VERIFY))
    see(page, "Verify your address")
    shown(page, "verify")
    assert app.rows("SELECT verified FROM account_emailaddress WHERE email = 'alice@example.org'") == [(0,)]
    page.get_by_role("button", name="Verify the address").click()
    page.get_by_text("Your address is verified.").wait_for()
    page.get_by_role("link", name="To my account").click()
    see(page, "Profile", "alice@example.org (verified)")
    page.get_by_label("Username").fill("alicia")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("definition").get_by_text("alicia", exact=True).wait_for()

    page.get_by_role("button", name="Log out").click()
    see(page, "Log in")
    log_in(page, "alicia", "wrong-horse-9")
    page.get_by_role("alert").get_by_text("Unable to log in with provided credentials.").wait_for()
    shown(page, "login-refused")
    log_in(page, "alicia", PASSWORD)
    see(page, "Profile")

    # Another browser, whose session is ended here.
    with app.chromium.new_context() as elsewhere:
        other = app.page(elsewhere)
        log_in(other, "alice@example.org", PASSWORD)
        see(other, "Profile")
        go(page, "Sessions")
        page.get_by_text("This session", exact=True).wait_for()
        shown(page, "sessions")
        page.get_by_role("button", name="End the session of").click()
        page.get_by_text("Ended.", exact=True).wait_for()
        assert app.sessions("alicia") == ["logged_out", "", "ended_by_user"]
        other.get_by_role("link", name="Sessions").click()
        see(other, "Log in")
        log_in(other, "alicia", PASSWORD)
        see(other, "Sessions", "This session")

        go(page, "Password")
        page.get_by_label("Password now").fill("wrong-horse-9")
        page.get_by_label("New password").fill(NEW_PASSWORD)
        page.get_by_role("button", name="Change the password").click()
        page.locator("input[name=old_password][aria-invalid]").wait_for()
        shown(page, "password-refused")
        page.get_by_label("Password now").fill(PASSWORD)
        page.get_by_role("button", name="Change the password").click()
        page.get_by_text("Your password is changed, and all other sessions are ended.").wait_for()
        assert [reason == "" for reason in app.sessions("alicia")] == [False, True, False, False]
        other.reload()
        see(other, "Log in")

    page.get_by_role("button", name="Log out").click()
    page.get_by_role("link", name="I forgot my password").click()
    page.get_by_label("E-mail address").fill("alice@example.org")
    page.get_by_role("button", name="Send the link").click()
    page.get_by_role("status").get_by_text("Look into your mailbox").wait_for()
    page.goto(mailed(app.folder, "alice@example.org", RESET))
    see(page, "New password")
    page.get_by_label("New password").fill("password1")
    page.get_by_role("button", name="Save the password").click()
    page.get_by_text("This password is too common.").wait_for()
    page.get_by_label("New password").fill(THIRD_PASSWORD)
    page.get_by_role("button", name="Save the password").click()
    page.get_by_text("Your password is changed. Log in with the new one.").wait_for()
    page.get_by_role("link", name="Log in").click()
    log_in(page, "alicia", THIRD_PASSWORD)
    see(page, "Profile")


def test_three_tabs(app: App, context: Any) -> None:
    """All three find their access token refused at one moment. Afterwards all are logged in, to the same session."""
    first = app.page(context)
    register(first, "bob")
    tabs = [first, app.page(context), app.page(context)]
    for tab in tabs:
        see(tab, "Profile", "bob@example.org (not verified)")
    refreshes: list[int] = []
    context.on("response", lambda said: "/token/refresh/" in said.url and refreshes.append(said.status))
    waiting: list[Any] = []

    def hold(route: Any) -> None:
        """The first request of each tab waits for those of the others. Then all carry a token that is no good."""
        if len(waiting) == 3:
            route.continue_()
            return
        waiting.append(route)
        if len(waiting) == 3:
            for each in waiting:
                each.continue_(headers={**each.request.headers, "authorization": "Bearer dead"})

    context.route("**/api/auth/sessions/", hold)
    for tab in tabs:
        tab.get_by_role("link", name="Sessions").click(no_wait_after=True)
    for tab in tabs:
        see(tab, "Sessions", "This session")
    context.unroute_all()
    assert len(waiting) == 3
    # One tab asks for a new token; the others wait for it, and use it.
    assert refreshes in ([200], [200, 200])
    assert app.sessions("bob") == [""]

    # A tab that is loaded again has no token, and the cookie alone.
    for tab in tabs:
        tab.evaluate("setTimeout(() => location.reload(), 100)")
    time.sleep(0.5)
    for tab in tabs:
        see(tab, "Sessions", "This session")
    assert set(refreshes) == {200}
    assert app.sessions("bob") == [""]
    assert app.rows("SELECT count(*) FROM accounts_securityevent WHERE kind LIKE 'refresh%'") == [(0,)]

    tabs[1].get_by_role("button", name="Log out").click()
    for tab in tabs:
        see(tab, "Log in")
    assert app.sessions("bob") == ["logged_out"]
    # And who logs in in one tab is logged in in all.
    log_in(tabs[2], "bob", PASSWORD)
    for tab in tabs:
        see(tab, "Sessions", "This session")
    assert app.sessions("bob") == ["logged_out", ""]


def test_a_second_factor(app: App, context: Any, shown: Any) -> None:
    page = app.page(context)
    register(page, "carol")
    access = app.ask("login", username="carol", password=PASSWORD)["access"]
    offer = app.ask("mfa/totp/activate", access)
    totp = pyotp.TOTP(offer["secret"])
    codes = app.ask("mfa/totp/activate", access, activation_token=offer["activation_token"], code=totp.now())
    page.get_by_role("button", name="Log out").click()
    log_in(page, "carol", PASSWORD)
    code = page.get_by_label("Code of your app, or recovery code")
    code.fill("nonsense-code")
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("This code is not right, or was used before.").wait_for()
    shown(page, "second-step-refused")
    before = app.sessions("carol")
    code.fill(codes["recovery_codes"][0])
    page.get_by_role("button", name="Go on").click()
    see(page, "Profile")
    assert app.sessions("carol") == [*before, ""]
    # The cookie came with the second step.
    page.reload()
    see(page, "Profile")
    page.get_by_role("button", name="Log out").click()
    log_in(page, "carol", PASSWORD)
    code.fill(totp.at(time.time() + 30))
    page.get_by_role("button", name="Go on").click()
    see(page, "Profile")


def test_lost_answers_and_busy_servers(app: App, context: Any, shown: Any) -> None:
    page = app.page(context)
    page.get_by_role("link", name="Register").click()
    sent: list[tuple[float, str]] = []

    def lose(route: Any) -> None:
        sent.append((time.monotonic(), route.request.headers.get("idempotency-key", "")))
        if len(sent) == 1:
            route.fetch()
            route.abort()
        elif len(sent) == 2:
            busy = {"Retry-After": "2", "Access-Control-Allow-Origin": app.origin}
            busy |= {"Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": "Retry-After"}
            route.fulfill(status=429, headers=busy, json={"detail": "", "code": "rate_limited"})
        else:
            route.continue_()

    context.route("**/api/auth/registration/", lose)
    page.get_by_label("Username").fill("dora")
    page.get_by_label("E-mail address").fill("dora@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()
    page.get_by_text(re.compile("asked again in 2 s")).wait_for()
    see(page, "Profile")
    context.unroute_all()
    # One registration, though it was sent three times, and never earlier than it was asked to.
    assert len(sent) == 3
    assert len({key for _, key in sent}) == 1
    assert re.fullmatch(r"[0-9a-f-]{36}", sent[0][1])
    assert sent[2][0] - sent[1][0] >= 2
    assert app.rows("SELECT count(*) FROM accounts_user WHERE username = 'dora'") == [(1,)]

    # An hour is nothing to wait for by itself.
    page.get_by_role("button", name="Log out").click()
    refused = page.get_by_text("That was too often.")
    # A full hour may begin meanwhile, from which on it counts anew.
    for _ in range(20):
        log_in(page, "dora", "wrong-horse-9")
        page.get_by_text("Unable to log in").or_(refused).wait_for(timeout=30000)
        if refused.is_visible():
            break
    page.get_by_role("button", name=re.compile(r"Log in \(in \d+ s\)")).wait_for()
    shown(page, "too-often")


def test_a_server_that_is_not_there(app: App, context: Any, shown: Any) -> None:
    context.route("**/api/auth/token/refresh/", lambda route: route.abort())
    page = app.page(context)
    page.get_by_text("The server cannot be reached.").wait_for()
    shown(page, "no-server")
    context.unroute_all()
    page.get_by_role("button", name="Connect").click()
    see(page, "Log in")
