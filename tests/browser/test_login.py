"""The page to log in, in a real browser: every way in leads to a session, and back out."""

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import Session, User
from accounts.services.providers import oidc
from tests.clients.authapi import PASSWORD, AuthApi
from tests.mailbox import Mailbox, code_in
from tests.provider import issuer
from tests.second_factors import enrol

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice(api: AuthApi, letters: Mailbox) -> str:
    """The access token of a user whose address is verified."""
    access = api.register("alice").json()["access"]
    User.objects.get().emailaddress_set.update(verified=True)
    letters.collect()
    return str(access)


def fill(page: Any, origin: str, *, name: str = "alice", password: str = PASSWORD, query: str = "") -> None:
    page.goto(f"{origin}/login{query}")
    page.get_by_label("Username or e-mail").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()


def is_in(page: Any) -> None:
    page.get_by_text("You are logged in as alice").wait_for()


def latest() -> tuple[str, str, str]:
    session = Session.objects.latest("started_at")
    return session.kind, session.amr, session.dialect


def test_a_password_and_out(page: Any, site: str, alice: str, look: Any) -> None:
    """Without JavaScript. The cookie is Secure: browsers take it from this machine all the same."""
    fill(page, site, password="wrong-horse-9")
    page.get_by_text("Unable to log in with provided credentials.").wait_for()
    assert page.get_by_label("Username or e-mail").input_value() == "alice"
    look(page, "login-refused")
    fill(page, site)
    is_in(page)
    assert latest() == ("browser", "pwd", "pages")
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Password").wait_for()
    assert Session.objects.latest("started_at").end_reason == "logged_out"


def test_back_to_where_one_was(page: Any, site: str, alice: str) -> None:
    fill(page, site, query="?next=/api/redoc/")
    page.wait_for_url(f"{site}/api/redoc/")


@pytest.mark.parametrize("query", ["?next=https://evil.example/", "?next=//evil.example", "?next=/\\evil.example"])
def test_nowhere_else(page: Any, site: str, alice: str, query: str) -> None:
    fill(page, site, query=query)
    is_in(page)
    assert page.url == f"{site}/login"


def test_a_mailed_code(page: Any, site: str, alice: str, letters: Mailbox) -> None:
    page.goto(f"{site}/login")
    page.get_by_role("link", name="Send me a code by mail").click()
    page.get_by_label("E-mail address").fill("alice@example.org")
    page.get_by_role("button", name="Send me a code by mail").click()
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Log in").click()
    page.get_by_text("This code is wrong, used or expired.").wait_for()
    page.get_by_label("Code").fill(code_in(letters.only()))
    page.get_by_role("button", name="Log in").click()
    is_in(page)
    assert latest() == ("browser", "otp", "pages")


def test_the_second_factor(page: Any, site: str, alice: str, look: Any) -> None:
    authenticator = enrol(alice)
    fill(page, site)
    code = page.get_by_label("Enter the code of your authenticator app, or a recovery code.")
    code.fill(authenticator.wrong())
    page.get_by_role("button", name="Log in").click()
    page.get_by_text("This code is wrong, used or expired.").wait_for()
    look(page, "login-second-factor")
    code.fill(authenticator.next())
    page.get_by_role("button", name="Log in").click()
    is_in(page)
    assert latest() == ("browser", "pwd totp", "pages")


def test_a_passkey(device: Any, origin: str, alice: str) -> None:
    device.goto(f"{origin}/passkeys")
    device.get_by_label("Username or e-mail").fill("alice")
    device.get_by_label("Password").fill(PASSWORD)
    device.get_by_role("button", name="Log in", exact=True).first.click()
    device.get_by_role("button", name="Add a passkey").click()
    device.get_by_text("The passkey was added.").wait_for()
    device.goto(f"{origin}/login")
    device.get_by_role("button", name="Log in with a passkey").click()
    is_in(device)
    assert latest() == ("browser", "passkey", "pages")
    device.get_by_role("button", name="Log out").click()
    # And as the second factor.
    fill(device, origin)
    device.get_by_role("button", name="Log in with a passkey").click()
    is_in(device)
    assert latest() == ("browser", "pwd passkey", "pages")
    assert device.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.fixture
def person(chromium: Any, site: str) -> Iterator[Any]:
    """A page of a browser without JavaScript, at 360 px, that may go to a provider."""
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    yield context.new_page()
    context.close()


def test_a_provider(person: Any, site: str, settings: Any, look: Any) -> None:
    oidc.forget()
    with issuer() as acme:
        settings.SOCIAL_PROVIDERS = [acme.entry()]
        person.goto(f"{site}/login?next=/login")
        look(person, "login")
        person.get_by_role("link", name="Log in with Acme").click()
        is_in(person)
        assert latest() == ("browser", "provider", "pages")
        assert "/authorize" in "".join(acme.asked)
        person.get_by_role("button", name="Log out").click()
        acme.lies = {"nonce": "another"}
        person.get_by_role("link", name="Log in with Acme").click()
        person.get_by_text("The provider did not confirm who you are. Begin again.").wait_for()
        acme.status = 500
        person.goto(f"{site}/login")
        person.get_by_role("link", name="Log in with Acme").click()
    assert Session.objects.filter(ended_at=None).count() == 0


def test_a_form_of_another_site(site: str, alice: str) -> None:
    """Somebody's browser is not logged in to a stranger's account."""
    http = AuthApi().http
    body = {"name": "alice", "password": PASSWORD}
    before = Session.objects.count()
    for origin in ("https://evil.example", "null"):
        answer = http.post("/login", body, headers={"Origin": origin})
        assert (answer.status_code, b"another site" in answer.content) == (403, True)
        assert "Set-Cookie" not in answer.headers
    assert Session.objects.count() == before
    assert http.post("/login", body).status_code == 303
