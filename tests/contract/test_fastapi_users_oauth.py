"""The package's OAuth routes beside ours, each in a browser, with one OpenID Connect provider for both."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client

from accounts.models import User
from accounts.services.providers import oidc
from tests.clients.authapi import PASSWORD
from tests.contract.oracle import Oracle
from tests.provider import ALICE, Issuer, issuer

pytestmark = pytest.mark.django_db
STATE_COOKIE = "fastapiusersoauthcsrf"

# The intended differences, and their reasons. The test with the same name in TestOnPurpose shows each of them.
ON_PURPOSE = {
    "state_first": "A state is looked at before the provider is asked; the package asks first.",
    "ten_minutes": "A login lives ten minutes between its two steps; the package's lives an hour.",
    "expired": "A state past its time is ACCESS_TOKEN_DECODE_ERROR: nobody learns what is wrong with it.",
    "refused": "A code that the provider does not take is OAUTH_PROVIDER_REFUSED; the package answers 500.",
    "verified": "Who proves the address at a provider is verified; the package has no verified user of them.",
    "subject_alone": "An account that is there needs no address from the provider, to be connected or to log in; the "
    "package answers OAUTH_NOT_AVAILABLE_EMAIL. Telegram tells none.",
}


@dataclass
class Answer:
    status: int
    body: str
    cookies: SimpleCookie

    def json(self) -> Any:
        return json.loads(self.body)


class Package:
    """A browser at the package."""

    def __init__(self, oracle: Oracle) -> None:
        self.port = oracle.port
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, body, {**headers, **({"Cookie": cookie} if cookie else {})})
            response = connection.getresponse()
            status, content = response.status, response.read().decode()
        cookies = SimpleCookie()
        for value in response.headers.get_all("Set-Cookie") or []:
            cookies.load(value)
        self.cookies |= {name: morsel.value for name, morsel in cookies.items()}
        return Answer(status, content, cookies)


class Ours:
    """A browser at ours."""

    def __init__(self) -> None:
        self.http = Client(raise_request_exception=False)

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        type = headers.pop("Content-Type", "application/json")
        response = self.http.generic(method, path, body or "", content_type=type, headers=headers)
        return Answer(response.status_code, response.content.decode(), response.cookies)


@dataclass
class Both:
    acme: Issuer
    browsers: list[Any]
    tokens: list[str] = field(default_factory=lambda: ["", ""])

    def raw(self, prefix: str, *, query: dict[str, str] | None = None, **claims: Any) -> list[Answer]:
        """Begins a login at both and returns to both, with the claims of Alice or others, or with this query."""
        answers = []
        self.acme.person = {**ALICE, **claims}
        for browser, token in zip(self.browsers, self.tokens, strict=True):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            begun = browser.ask("GET", f"{prefix}/authorize", **headers)
            assert (begun.status, list(begun.json())) == (200, ["authorization_url"]), begun
            url = begun.json()["authorization_url"]
            given = {
                "code": self.acme.code_for(url, **self.acme.person),
                "state": parse_qs(urlsplit(url).query)["state"][0],
            }
            sent = given | (query or {})
            sent = {name: value for name, value in sent.items() if value != "-"}
            answers.append(browser.ask("GET", f"{prefix}/callback?{urlencode(sent)}", **headers))
        return answers

    def same(self, prefix: str, **kwargs: Any) -> tuple[int, Any]:
        """Status and body of ours, which must be those of the package except for tokens and ids."""
        theirs, ours = self.raw(prefix, **kwargs)
        assert theirs.status == ours.status, (theirs, ours)
        bodies = [json.loads(answer.body) if answer.body else None for answer in (theirs, ours)]
        assert self.plain(bodies[0]) == self.plain(bodies[1])
        return ours.status, self.plain(bodies[1])

    def plain(self, body: Any) -> Any:
        if isinstance(body, dict):
            return {name: "…" if name in ("access_token", "id") else value for name, value in body.items()}
        return body

    def register(self, email: str) -> None:
        for number, browser in enumerate(self.browsers):
            body = json.dumps({"email": email, "password": PASSWORD})
            assert browser.ask("POST", "/auth/register", body, **{"Content-Type": "application/json"}).status == 201
            form = urlencode({"username": email, "password": PASSWORD})
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            self.tokens[number] = browser.ask("POST", "/auth/jwt/login", form, **headers).json()["access_token"]


@pytest.fixture
def both(settings: Any) -> Iterator[Both]:
    oidc.forget()
    with issuer() as acme:
        oracle = Oracle(acme.url)
        oracle.start()
        # The package accepts any address, and joins no existing account with it.
        settings.SOCIAL_PROVIDERS = [acme.entry(trusts_email=False)]
        yield Both(acme, [Package(oracle), Ours()])
        oracle.stop()


def test_logging_in(both: Both) -> None:
    assert both.same("/auth/acme") == (200, {"access_token": "…", "token_type": "bearer"})
    assert both.same("/auth/acme") == (200, {"access_token": "…", "token_type": "bearer"})
    assert User.objects.count() == 1


def test_logging_in_with_a_cookie(both: Both) -> None:
    theirs, ours = both.raw("/auth/cookie/acme")
    assert (theirs.status, theirs.body) == (ours.status, ours.body) == (204, "")
    flags = ("max-age", "path", "secure", "httponly", "samesite")
    cookies = [answer.cookies["fastapiusersauth"] for answer in (theirs, ours)]
    assert [str(cookies[0][flag]) for flag in flags] == [str(cookies[1][flag]) for flag in flags]


def test_the_cookie_of_the_state(both: Both) -> None:
    theirs, ours = (browser.ask("GET", "/auth/acme/authorize").cookies[STATE_COOKIE] for browser in both.browsers)
    for flag in ("path", "secure", "httponly", "samesite"):
        assert str(theirs[flag]) == str(ours[flag])
    assert [len(theirs.value), len(ours.value)] == [43, 43]


def test_an_address_that_is_taken(both: Both) -> None:
    both.register("alice@example.org")
    both.tokens = ["", ""]
    assert both.same("/auth/acme") == (400, {"detail": "OAUTH_USER_ALREADY_EXISTS"})


def test_no_address(both: Both) -> None:
    both.acme.lies = {"email": None}
    assert both.same("/auth/acme") == (400, {"detail": "OAUTH_NOT_AVAILABLE_EMAIL"})


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"error": "access_denied", "code": "-"}, "access_denied"),
        ({"code": "-"}, "Bad Request"),
        ({"state": "x"}, "ACCESS_TOKEN_DECODE_ERROR"),
    ],
)
def test_what_comes_back(both: Both, query: dict[str, str], word: str) -> None:
    assert both.same("/auth/acme", query=query) == (400, {"detail": word})


def test_a_state_of_another_browser(both: Both) -> None:
    for browser in both.browsers:
        url = browser.ask("GET", "/auth/acme/authorize").json()["authorization_url"]
        state = parse_qs(urlsplit(url).query)["state"][0]
        code = both.acme.code_for(url, **ALICE)
        # It begins again meanwhile.
        browser.ask("GET", "/auth/acme/authorize")
        answer = browser.ask("GET", f"/auth/acme/callback?{urlencode({'code': code, 'state': state})}")
        assert (answer.status, answer.json()) == (400, {"detail": "OAUTH_INVALID_STATE"})


def test_associating(both: Both) -> None:
    both.register("alice@example.org")
    status, body = both.same("/auth/associate/acme", sub="x1", email="elsewhere@example.org")
    assert (status, body["email"]) == (200, "alice@example.org")
    both.tokens = ["", ""]
    assert both.same("/auth/acme", sub="x1", email="elsewhere@example.org")[0] == 200


def test_associating_without_a_token(both: Both) -> None:
    for path in ("authorize", "callback?code=x&state=y"):
        answers = [browser.ask("GET", f"/auth/associate/acme/{path}") for browser in both.browsers]
        assert [(answer.status, answer.json()) for answer in answers] == [(401, {"detail": "Unauthorized"})] * 2


class TestOnPurpose:
    def test_every_one_is_shown(self) -> None:
        assert {name.removeprefix("test_") for name in vars(TestOnPurpose) if name.startswith("test_")} >= set(
            ON_PURPOSE
        )

    def test_state_first(self, both: Both) -> None:
        asked = []
        for browser in both.browsers:
            browser.ask("GET", "/auth/acme/authorize")
            before = both.acme.asked.count("/token")
            browser.ask("GET", "/auth/acme/callback?code=x&state=y")
            asked.append(both.acme.asked.count("/token") - before)
        assert asked == [1, 0]

    def test_ten_minutes(self, both: Both) -> None:
        cookies = [browser.ask("GET", "/auth/acme/authorize").cookies[STATE_COOKIE] for browser in both.browsers]
        assert [str(cookie["max-age"]) for cookie in cookies] == ["3600", "600"]

    def test_expired(self, both: Both) -> None:
        """tests/security/test_providers.py lets ten minutes pass."""
        assert both.same("/auth/acme", query={"state": "x"}) == (400, {"detail": "ACCESS_TOKEN_DECODE_ERROR"})

    def test_refused(self, both: Both) -> None:
        theirs, ours = both.raw("/auth/acme", query={"code": "wrong"})
        assert (theirs.status, ours.status) == (500, 400)
        assert ours.json() == {"detail": "OAUTH_PROVIDER_REFUSED"}

    def test_verified(self, both: Both, settings: Any) -> None:
        settings.SOCIAL_PROVIDERS = [both.acme.entry()]
        theirs, ours = both.raw("/auth/acme")
        told = []
        for browser, answer in zip(both.browsers, (theirs, ours), strict=True):
            headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
            told.append(browser.ask("GET", "/users/me", **headers).json()["is_verified"])
        assert told == [False, True]

    def test_subject_alone(self, both: Both) -> None:
        both.register("alice@example.org")
        both.acme.lies = {"email": None}
        theirs, ours = both.raw("/auth/associate/acme")
        assert (theirs.status, theirs.json()) == (400, {"detail": "OAUTH_NOT_AVAILABLE_EMAIL"})
        assert (ours.status, ours.json()["email"]) == (200, "alice@example.org")
        both.acme.lies = {}
        assert both.raw("/auth/associate/acme")[0].status == 200
        both.acme.lies = {"email": None}
        both.tokens = ["", ""]
        theirs, ours = both.raw("/auth/acme")
        assert (theirs.status, theirs.json()) == (400, {"detail": "OAUTH_NOT_AVAILABLE_EMAIL"})
        assert (ours.status, ours.json()["token_type"]) == (200, "bearer")
        assert User.objects.get().email == "alice@example.org"
