"""An OpenID Connect provider for tests, over real HTTP. It is honest unless it is told to lie."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client

from tests import openapi
from tests.json_server import serving

ALICE = {"sub": "a1", "email": "alice@example.org", "email_verified": True}
CLIENT_ID = "our-client"
CLIENT_SECRET = "our-client-secret"


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@lru_cache(maxsize=1)
def first_key() -> rsa.RSAPrivateKey:
    """The same key for all tests, because making one takes longer than most tests."""
    return new_key()


@dataclass
class Issuer:
    """port: where it serves. asked: the requested paths. person: the claims of the person who is logged in there.

    lies: claims that replace the true ones; None removes one. sign: makes an id token of its claims in another way.
    seconds: how long each answer takes.
    """

    port: int
    key: rsa.RSAPrivateKey = field(default_factory=first_key)
    key_id: str = "one"
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    lies: dict[str, Any] = field(default_factory=dict)
    sign: Any = None
    seconds: float = 0
    status: int = 200
    metadata: dict[str, Any] = field(default_factory=dict)
    person: dict[str, Any] = field(default_factory=lambda: dict(ALICE))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def entry(self, **changes: Any) -> dict[str, Any]:
        """The entry in settings.SOCIAL_PROVIDERS."""
        return {
            "id": "acme",
            "kind": "openid_connect",
            "name": "Acme",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "issuer": self.url,
            "scopes": [],
            "audiences": [],
            "team_id": "",
            "key_id": "",
            "trusts_email": True,
            "trusts_factors": False,
            **changes,
        }

    def code_for(self, authorization_url: str, **claims: Any) -> str:
        """The code for a browser of a person with these claims at `authorization_url`."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(authorization_url).query).items()}
        assert query["client_id"] == CLIENT_ID
        code = secrets.token_urlsafe(16)
        self.codes[code] = {"query": query, "claims": claims}
        return code

    def id_token(self, **claims: Any) -> str:
        now = int(time.time())
        told = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300, **claims, **self.lies}
        told = {name: value for name, value in told.items() if value is not None}
        if self.sign:
            return str(self.sign(told))
        return jwt.encode(told, self.key, algorithm="RS256", headers={"kid": self.key_id})

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/jwks",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                **self.metadata,
            }
        if path == "/jwks":
            jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            return 200, {"keys": [{**jwk, "kid": self.key_id, "use": "sig", "alg": "RS256"}]}
        if path.startswith("/authorize?"):
            query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
            back = {"code": self.code_for(path, **self.person), "state": query["state"], "iss": self.url}
            return 302, f"{query['redirect_uri']}?{urlencode(back)}"
        if path == "/userinfo":
            return 200, {**self.person, **self.lies}
        if path == "/token":
            given = self.codes.pop(form.get("code", ""), None)
            if given is None or not self._is_ours(given["query"], form):
                return 400, {"error": "invalid_grant"}
            token = self.id_token(nonce=given["query"].get("nonce"), **given["claims"])
            return 200, {"access_token": "x", "token_type": "Bearer", "id_token": token}
        return 404, {}

    def _is_ours(self, query: dict[str, str], form: dict[str, str]) -> bool:
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return (
            # The FastAPI Users package sends no challenge.
            query.get("code_challenge", challenge) == challenge
            and query["redirect_uri"] == form.get("redirect_uri")
            and (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        )


@contextmanager
def issuer() -> Iterator[Issuer]:
    here = Issuer(port=0)

    def answer(path: str, form: dict[str, str]) -> tuple[int, Any]:
        here.asked.append(path)
        time.sleep(here.seconds)
        return here.answer(path, form) if here.status == 200 else (here.status, {})

    with serving(answer) as here.port:
        yield here


class Browser:
    """A browser that logs in with a provider through the routes of FastAPI Users: it keeps its cookies."""

    def __init__(self) -> None:
        self.http = Client(raise_request_exception=False)

    def get(self, path: str, query: dict[str, str] | None = None, *, token: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self.http.get(path, query or {}, headers=headers)
        if not path.startswith("/auth/cookie/"):
            openapi.check("GET", path, answer)
        return answer

    def begin(self, prefix: str = "/auth/acme", **extra: Any) -> tuple[str, str]:
        """The URL of the provider, and the state."""
        answer = self.get(f"{prefix}/authorize", **extra)
        assert answer.status_code == 200, answer.content
        url = answer.json()["authorization_url"]
        return url, parse_qs(urlsplit(url).query)["state"][0]

    def come_back(
        self, code: str, state: str, prefix: str = "/auth/acme", *, token: str | None = None, **query: str
    ) -> Any:
        return self.get(f"{prefix}/callback", {"code": code, "state": state, **query}, token=token)

    def log_in(self, acme: Issuer, prefix: str = "/auth/acme", **claims: Any) -> Any:
        """Logs in as Alice, or as somebody with other claims."""
        url, state = self.begin(prefix)
        return self.come_back(acme.code_for(url, **{**ALICE, **claims}), state, prefix)
