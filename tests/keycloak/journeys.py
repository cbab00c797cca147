"""`make keycloak`: the journeys of other providers with Keycloak, and from the page to log in to a session."""

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import Session, User
from accounts.services.providers import oidc
from tests.browser.conftest import chromium, site
from tests.clients.authapi import AuthApi
from tests.journeys.providers import OURS, Journeys
from tests.keycloak.server import PASSWORD, Keycloak, serving
from tests.provider import CLIENT_ID, CLIENT_SECRET, Issuer

__all__ = ["chromium", "site"]
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def keycloak() -> Iterator[Keycloak]:
    with serving() as keycloak:
        yield keycloak


@pytest.fixture
def provider(keycloak: Keycloak, settings: Any) -> Iterator[Keycloak]:
    oidc.forget()
    settings.SOCIAL_REDIRECT_URLS = [OURS]
    settings.SOCIAL_PROVIDERS = [Issuer(port=0).entry(issuer=keycloak.issuer)]
    yield keycloak
    keycloak.go_on()


class TestKeycloak(Journeys):
    def test_an_id_token(self, provider: Keycloak, api: AuthApi) -> None:
        body = {"id_token": provider.id_token(CLIENT_ID, CLIENT_SECRET)}
        assert api.call("POST", "social/acme/", body).json()["user"]["email"] == "alice@example.org"

    def test_an_id_token_of_another_application(self, provider: Keycloak, api: AuthApi) -> None:
        answer = api.call("POST", "social/acme/", {"id_token": provider.id_token("another-client", "another-secret")})
        assert (answer.status_code, answer.json()["code"]) == (400, "provider_refused")
        assert (User.objects.count(), Session.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_from_the_page_to_a_session_and_back(chromium: Any, site: str, provider: Keycloak) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 740})
    page = context.new_page()
    for is_known in (False, True):
        page.goto(f"{site}/login")
        page.get_by_role("link", name="Log in with Acme").click()
        if not is_known:
            page.locator("#username").fill("alice")
            page.locator("#password").fill(PASSWORD)
            page.locator("#kc-login").click()
        page.get_by_text("You are logged in as alice").wait_for()
        page.get_by_role("button", name="Log out").click()
        page.get_by_label("Password").wait_for()
    assert (User.objects.count(), Session.objects.filter(amr="provider").count()) == (1, 2)
    context.close()
