"""The providers with OAuth 2.0 alone. A server of the tests answers as their documentation says."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.providers.facebook import flows as facebook

from accounts.core.errors import AccountError, ErrorCode
from accounts.core.provider import Identity
from accounts.services import providers
from accounts.services.providers import oauth2
from tests.json_server import serving
from tests.provider import CLIENT_ID, CLIENT_SECRET, Issuer

# For each kind: the answers of its paths, and the person: subject, address, whether the address is proved.
KINDS: dict[str, tuple[dict[str, Any], tuple[str, str, bool]]] = {
    "github": (
        {
            "/profile": {"id": 7, "login": "alice", "email": None},
            "/emails": [
                {"email": "old@example.org", "primary": False, "verified": True},
                {"email": "alice@example.org", "primary": True, "verified": True},
                {"email": "fake@example.org", "primary": False, "verified": False},
            ],
        },
        ("7", "alice@example.org", True),
    ),
    "facebook": (
        {"/me": {"id": "8", "email": "alice@example.org", "name": "Alice"}},
        ("8", "alice@example.org", False),
    ),
    "discord": (
        {"/profile": {"id": "9", "username": "alice", "email": "alice@example.org", "verified": True}},
        ("9", "alice@example.org", True),
    ),
    "vk": ({"/profile": {"user": {"user_id": "10", "email": "alice@example.org"}}}, ("10", "alice@example.org", False)),
    "yandex": (
        {"/profile": {"id": "11", "login": "alice", "default_email": "alice@example.org"}},
        ("11", "alice@example.org", False),
    ),
}
SERVED = "https://github.com https://www.facebook.com https://discord.com https://id.vk.ru https://oauth.yandex.com"


class Server:
    """answers: for each path. asked: the form or the query of the request to each path."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, Any] = {}
        self.asked: dict[str, dict[str, str]] = {}

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        url = urlsplit(path)
        self.asked[url.path] = {name: values[0] for name, values in parse_qs(url.query).items()} | form
        return 200, self.answers.get(url.path, {})


@pytest.fixture
def server() -> Iterator[Server]:
    here = Server()
    with serving(here.answer) as port:
        here.url = f"http://127.0.0.1:{port}"
        yield here


@pytest.fixture(params=KINDS)
def kind(request: Any, server: Server, settings: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """One of the kinds, at the server of the tests."""
    name = str(request.param)
    entry = Issuer(port=1).entry(id=name, kind=name, issuer=SERVED.split()[list(KINDS).index(name)])
    settings.SOCIAL_PROVIDERS = [entry | {"trusts_email": name in ("github", "discord")}]
    adapter = getattr(import_module(f"allauth.socialaccount.providers.{name}.views"), oauth2.ADAPTERS[name])
    for attribute, path in (("access_token_url", "/token"), ("profile_url", "/profile"), ("emails_url", "/emails")):
        monkeypatch.setattr(adapter, attribute, f"{server.url}{path}", raising=False)
    monkeypatch.setattr(facebook, "GRAPH_API_URL", server.url)
    server.answers = {"/token": {"access_token": "t1", "token_type": "bearer"}, **KINDS[name][0]}
    return name


def identity(kind: str) -> Identity:
    provider = providers.find(kind)
    return providers.exchanged(
        provider, code="c1", verifier="v" * 43, redirect_uri="https://us.example/cb", nonce=None, device_id="d1"
    )


def test_the_request(kind: str) -> None:
    begun = providers.begin(providers.find(kind), redirect_uri="https://us.example/cb")
    query = {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}
    assert (query["client_id"], query["response_type"]) == (CLIENT_ID, "code")
    assert query["redirect_uri"] == "https://us.example/cb"
    assert query.get("code_challenge_method") == (None if kind == "facebook" else "S256")
    assert "email" in query["scope"]
    assert urlsplit(begun.url).scheme == "https"


def test_who_it_is(kind: str, server: Server) -> None:
    found = identity(kind)
    assert (found.subject, found.email, found.email_is_proved) == KINDS[kind][1]
    asked = server.asked["/token"]
    assert (asked["code"], asked["client_id"], asked["client_secret"]) == ("c1", CLIENT_ID, CLIENT_SECRET)
    assert asked["redirect_uri"] == "https://us.example/cb"
    assert asked.get("code_verifier") == (None if kind == "facebook" else "v" * 43)
    assert asked.get("device_id") == ("d1" if kind == "vk" else None)


NOBODY = [{}, [], {"error": "bad"}, {"id": None, "user": {"user_id": None}}, "x", 7, {"id": {"a": 1}, "user": 7}]


@pytest.mark.parametrize("answer", NOBODY, ids=str)
def test_invalid_profiles_are_refused(kind: str, server: Server, answer: Any) -> None:
    server.answers |= dict.fromkeys(("/profile", "/me", "/emails"), answer)
    with pytest.raises(AccountError) as refused:
        identity(kind)
    assert refused.value.code in (ErrorCode.PROVIDER_REFUSED, ErrorCode.PROVIDER_UNAVAILABLE)


@pytest.mark.parametrize("answer", [{}, {"error": "invalid_grant"}, [], "x"], ids=str)
def test_codes_that_the_provider_refuses(kind: str, server: Server, answer: Any) -> None:
    server.answers["/token"] = answer
    with pytest.raises(AccountError) as refused:
        identity(kind)
    assert refused.value.code == ErrorCode.PROVIDER_REFUSED
