"""Hostile answers of a provider, or in its place: each is refused, and leaves no account and no session."""

import base64
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine

from accounts.core import clock
from accounts.models import Session, User
from accounts.services.providers import http, oidc
from tests.clients.fastapi_users import FastAPIUsers
from tests.provider import ALICE, Browser, Issuer, issuer, new_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(settings: Any) -> Iterator[Issuer]:
    oidc.forget()
    with issuer() as here:
        settings.SOCIAL_PROVIDERS = [here.entry()]
        yield here


@pytest.fixture
def browser() -> Browser:
    return Browser()


def refused(answer: Any, word: str, status: int = 400) -> bool:
    nothing = (User.objects.count(), Session.objects.count()) == (0, 0)
    return nothing and (answer.status_code, answer.json()) == (status, {"detail": word})


def test_an_honest_one(browser: Browser, acme: Issuer) -> None:
    answer = browser.log_in(acme)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "bearer")
    assert FastAPIUsers().me(answer.json()["access_token"]).json()["email"] == "alice@example.org"
    session = Session.objects.get()
    assert (session.amr, session.dialect) == ("provider", "fastapi_users")
    assert session.user.email_verified


@pytest.mark.parametrize(
    "lies",
    [
        {"iss": "https://evil.example"},
        {"aud": "another-client"},
        {"aud": ["our-client", "another-client"], "azp": "another-client"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": -61},
        {"exp": None},
        {"iat": 120},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 300},
    ],
    ids=lambda lies: " ".join(f"{name}={str(value)[:20]}" for name, value in lies.items()),
)
def test_claims_that_lie(browser: Browser, acme: Issuer, lies: dict[str, Any]) -> None:
    # Numbers are seconds from now.
    now = int(time.time())
    acme.lies = {name: now + value if isinstance(value, int) else value for name, value in lies.items()}
    assert refused(browser.log_in(acme), "OAUTH_PROVIDER_REFUSED")


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def nested() -> str:
    """JSON that is nested too deeply for Python."""
    return base64.urlsafe_b64encode(b"[" * 7000).decode().rstrip("=")


@pytest.mark.parametrize(
    "sign",
    [
        lambda claims: f"{part({'alg': 'none'})}.{part(claims)}.",
        lambda claims: f"{part({'alg': 'RS256', 'kid': 'one'})}.{part(claims)}.",
        lambda claims: jwt.encode(claims, "s" * 64, algorithm="HS256", headers={"kid": "one"}),
        lambda claims: jwt.encode(claims, new_key(), algorithm="RS256", headers={"kid": "one"}),
        lambda claims: jwt.encode(claims, new_key(), algorithm="RS256", headers={"kid": "unknown"}),
        lambda claims: "x",
        lambda claims: "x" * 30_000,
        lambda claims: "a.b.c",
        lambda claims: f"{nested()}.{part(claims)}.x",
        lambda claims: f"{part({'alg': 'RS256', 'kid': 'one'})}.{nested()}.x",
        lambda claims: f"{part({'alg': ['RS256'], 'kid': {}})}.{part(claims)}.x",
    ],
    ids=[
        *("alg none", "unsigned", "a secret", "another key", "an unknown key", "no token", "too long", "three parts"),
        *("a nested header", "a nested body", "a header of other types"),
    ],
)
def test_signatures_that_lie(browser: Browser, acme: Issuer, sign: Any) -> None:
    acme.sign = sign
    assert refused(browser.log_in(acme), "OAUTH_PROVIDER_REFUSED")


@pytest.mark.parametrize("seconds", [-59, 59])
def test_clocks_a_minute_apart(browser: Browser, acme: Issuer, seconds: int) -> None:
    now = int(time.time()) + seconds
    acme.lies = {"iat": now, "exp": now + 5}
    assert browser.log_in(acme).status_code == 200


def test_a_key_that_was_rotated(browser: Browser, acme: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc, "FETCHED_AGAIN_SECONDS", 0)
    assert browser.log_in(acme).status_code == 200
    acme.key, acme.key_id = new_key(), "two"
    assert Browser().log_in(acme).status_code == 200
    assert acme.asked.count("/jwks") == 2


def test_made_up_key_ids_fetch_the_keys_once(browser: Browser, acme: Issuer) -> None:
    acme.key_id = "made up"
    acme.sign = lambda claims: jwt.encode(claims, new_key(), algorithm="RS256", headers={"kid": "none"})
    for _ in range(5):
        assert refused(Browser().log_in(acme), "OAUTH_PROVIDER_REFUSED")
    assert acme.asked.count("/jwks") == 1


class TestStates:
    """The state of another person, or an old one, causes no request to the provider."""

    def test_forged(self, browser: Browser, acme: Issuer) -> None:
        url, state = browser.begin()
        asked = list(acme.asked)
        for forged in ("", "x", state[:-1] + ("A" if state[-1] != "A" else "B"), "é", "\0", "x" * 100_000):
            answer = browser.come_back(acme.code_for(url, **ALICE), forged)
            assert refused(answer, "ACCESS_TOKEN_DECODE_ERROR"), forged[:10]
        assert acme.asked == asked

    def test_another_browsers(self, browser: Browser, acme: Issuer) -> None:
        url, state = browser.begin()
        other = Browser()
        other.begin()
        asked = list(acme.asked)
        assert refused(other.come_back(acme.code_for(url, **ALICE), state), "OAUTH_INVALID_STATE")
        assert refused(Browser().come_back(acme.code_for(url, **ALICE), state), "OAUTH_INVALID_STATE")
        assert acme.asked == asked

    def test_replayed(self, browser: Browser, acme: Issuer) -> None:
        url, state = browser.begin()
        assert browser.come_back(acme.code_for(url, **ALICE), state).status_code == 200
        answer = browser.come_back(acme.code_for(url, **ALICE), state)
        assert (answer.status_code, answer.json()) == (400, {"detail": "OAUTH_INVALID_STATE"})
        assert Session.objects.count() == 1

    def test_ten_minutes_old(self, browser: Browser, acme: Issuer) -> None:
        url, state = browser.begin()
        with time_machine.travel(clock.now() + timedelta(seconds=601)):
            assert refused(browser.come_back(acme.code_for(url, **ALICE), state), "ACCESS_TOKEN_DECODE_ERROR")

    def test_another_providers(self, browser: Browser, acme: Issuer, settings: Any) -> None:
        """Mixed-up issuers: a login that was begun with one provider cannot end at another (RFC 9700 §4.4)."""
        with issuer() as evil:
            settings.SOCIAL_PROVIDERS = [acme.entry(), evil.entry(id="evil")]
            url, state = browser.begin()
            asked = list(acme.asked)
            answer = browser.come_back(acme.code_for(url, **ALICE), state, "/auth/evil")
            assert refused(answer, "OAUTH_INVALID_STATE")
            assert (acme.asked, evil.asked) == (asked, [])

    def test_the_issuer_beside_the_code(self, browser: Browser, acme: Issuer) -> None:
        url, state = browser.begin()
        asked = list(acme.asked)
        answer = browser.come_back(acme.code_for(url, **ALICE), state, iss="https://evil.example")
        assert refused(answer, "OAUTH_PROVIDER_REFUSED")
        assert acme.asked == asked
        assert browser.come_back(acme.code_for(url, **ALICE), state, iss=acme.url).status_code == 200

    def test_somebody_elses_code(self, browser: Browser, acme: Issuer) -> None:
        """A code that was stolen from another browser does not fit this browser's verifier (RFC 7636)."""
        _url, state = browser.begin()
        stolen = acme.code_for(Browser().begin()[0], **ALICE)
        assert refused(browser.come_back(stolen, state), "OAUTH_PROVIDER_REFUSED")

    def test_many_forged_ones_cost_no_call_and_no_row(self, browser: Browser, acme: Issuer, rows: Any) -> None:
        browser.begin()
        asked, before = list(acme.asked), rows()
        answers = [browser.come_back("x", f"forged{number}") for number in range(1000)]
        assert {answer.status_code for answer in answers} <= {400, 429}
        assert acme.asked == asked
        assert rows() == before


class TestFailures:
    """A provider that fails refuses one login, in time."""

    def test_down(self, browser: Browser, acme: Issuer) -> None:
        url, state = browser.begin()
        acme.status = 500
        answer = browser.come_back(acme.code_for(url, **ALICE), state)
        assert refused(answer, "OAUTH_PROVIDER_UNAVAILABLE", 503)
        assert answer.headers["Retry-After"] == "30"

    def test_slow(self, browser: Browser, acme: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
        url, state = browser.begin()
        monkeypatch.setattr(http, "SECONDS", 0.3)
        acme.seconds = 1
        assert refused(browser.come_back(acme.code_for(url, **ALICE), state), "OAUTH_PROVIDER_UNAVAILABLE", 503)

    @pytest.mark.parametrize(
        "metadata",
        [
            {"issuer": "https://evil.example"},
            {"padding": "x" * 2_000_000},
            {"authorization_endpoint": None},
            {"authorization_endpoint": {"a": 1}},
        ],
        ids=["another issuer", "too long", "no endpoint", "an endpoint that is none"],
    )
    def test_invalid_documents_are_refused(self, browser: Browser, acme: Issuer, metadata: dict[str, Any]) -> None:
        acme.metadata = metadata
        answer = browser.get("/auth/acme/authorize")
        assert answer.status_code in (400, 503)
        assert answer.json()["detail"] in ("OAUTH_PROVIDER_REFUSED", "OAUTH_PROVIDER_UNAVAILABLE")

    @pytest.mark.parametrize(
        "metadata",
        [
            {"token_endpoint": 7},
            {"token_endpoint": "gopher://x"},
            {"jwks_uri": None},
            {"token_endpoint_auth_methods_supported": 7},
        ],
        ids=str,
    )
    def test_metadata_of_other_types(self, browser: Browser, acme: Issuer, metadata: dict[str, Any]) -> None:
        acme.metadata = metadata
        answer = browser.log_in(acme)
        assert answer.status_code in (400, 503)
        assert (User.objects.count(), Session.objects.count()) == (0, 0)

    def test_nobody_there(self, browser: Browser, settings: Any) -> None:
        oidc.forget()
        settings.SOCIAL_PROVIDERS = [Issuer(port=1).entry()]
        answer = browser.get("/auth/acme/authorize")
        assert (answer.status_code, answer.json()) == (503, {"detail": "OAUTH_PROVIDER_UNAVAILABLE"})

    def test_unknown(self, browser: Browser, settings: Any) -> None:
        settings.SOCIAL_PROVIDERS = []
        for path in ("/auth/acme/authorize", "/auth/acme/callback", "/auth/cookie/acme/authorize"):
            answer = browser.get(path)
            assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})

    @pytest.mark.parametrize(
        ("query", "word"),
        [
            ("", "Bad Request"),
            ("error=access_denied&state=x", "access_denied"),
            ("error=<script>&state=x", "OAUTH_PROVIDER_REFUSED"),
        ],
    )
    def test_no_code(self, browser: Browser, acme: Issuer, query: str, word: str) -> None:
        answer = browser.http.get(f"/auth/acme/callback?{query}")
        assert (answer.status_code, answer.json()) == (400, {"detail": word})
