"""Providers with OpenID Connect: discovery, authorization code with PKCE, id tokens.

Every id token is verified with the provider's keys: signature, issuer, audience, times and nonce (OpenID Connect Core
§3.1.3.7; RFC 8725). allauth's code checks no nonce, and no signature of a token that came for a code. Here the same
code also checks tokens that native applications send.
"""

import re
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import jwt

from accounts.core import clock
from accounts.core.provider import Identity, Provider
from accounts.services.providers.http import BoundedSession, json_of

SCOPES = ("openid", "email")
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
# By how much the provider's clock may differ from ours.
LEEWAY = 60
KEPT_SECONDS = 600
# An unknown key id makes us fetch the keys at most once in this time.
FETCHED_AGAIN_SECONDS = 30
LONGEST_TOKEN = 20_000
# Microsoft's issuer contains this in place of the tenant if users of any tenant may log in.
TENANT = "{tenantid}"


class Refused(Exception):
    """The values from the provider or the client prove nothing."""


@dataclass
class Known:
    """The cached data of an issuer in this process, with their times on the monotonic clock."""

    document: dict[str, Any] = field(default_factory=dict)
    document_at: float = float("-inf")
    keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    keys_at: float = float("-inf")


_known: dict[str, Known] = {}
_lock = threading.Lock()


def document(provider: Provider) -> dict[str, Any]:
    """The provider's metadata (OpenID Connect Discovery §4), cached for ten minutes."""
    known = _of(provider)
    if time.monotonic() - known.document_at > KEPT_SECONDS:
        with BoundedSession() as session:
            found = json_of(session.get(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"))
        if found.get("issuer") != provider.issuer and TENANT not in str(found.get("issuer")):
            raise Refused("the document is another issuer's")
        known.document, known.document_at = found, time.monotonic()
    return known.document


def endpoint(provider: Provider, name: str) -> str:
    """The URL of an endpoint of the provider. Raises Refused if its metadata do not contain it."""
    found = document(provider).get(name)
    if not isinstance(found, str):
        raise Refused(f"there is no {name}")
    return found


def exchange(provider: Provider, *, code: str, verifier: str, redirect_uri: str) -> str:
    """Exchanges an authorization code for an id token (RFC 6749 §4.1.3, RFC 7636 §4.5)."""
    data = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": provider.client_id,
        "code_verifier": verifier,
    }
    metadata = document(provider)
    auth = None
    if secret := _secret(provider):
        methods = _texts(metadata.get("token_endpoint_auth_methods_supported"))
        if "client_secret_post" in methods or provider.kind == "apple":
            data["client_secret"] = secret
        else:
            auth = (provider.client_id, secret)
    with BoundedSession() as session:
        response = session.post(endpoint(provider, "token_endpoint"), data=data, auth=auth)
    if 400 <= response.status_code < 500:
        raise Refused("the code is not taken")
    token = json_of(response).get("id_token")
    if not isinstance(token, str):
        raise Refused("there is no id token")
    return token


def identity(provider: Provider, token: str, *, nonce: str | None) -> Identity:
    """The person of the id token. nonce: as it was sent with the request; None without one.

    Raises Refused.
    """
    claims = _claims(provider, token)
    if claims.get("nonce") != nonce:
        raise Refused("the nonce is another one's")
    email = claims.get("email")
    email = email if isinstance(email, str) else ""
    return Identity(
        provider=provider,
        subject=str(claims["sub"]),
        email=email,
        email_is_proved=bool(email) and provider.trusts_email and _is_proved(provider, claims),
        has_factor=provider.trusts_factors and "mfa" in _texts(claims.get("amr")),
    )


def _claims(provider: Provider, token: str) -> dict[str, Any]:
    if len(token) > LONGEST_TOKEN:
        raise Refused("it is too long")
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise Refused("it is not signed as it has to be")
        key = _key(provider, str(header.get("kid", "")))
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[header["alg"]],
            audience=[provider.client_id, *provider.audiences],
            leeway=LEEWAY,
            options={"require": ["exp", "iat", "iss", "aud", "sub"], "verify_iss": False},
        )
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise Refused(type(error).__name__) from error
    if claims["iss"] != _issuer(provider, claims):
        raise Refused("it is another issuer's")
    audience = claims["aud"]
    if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != provider.client_id:
        raise Refused("it was made for somebody else")
    if not 0 < len(str(claims["sub"])) <= 255:
        raise Refused("the subject is none")
    return claims


def _issuer(provider: Provider, claims: dict[str, Any]) -> str:
    said = str(document(provider).get("issuer"))
    tenant = str(claims.get("tid", ""))
    return said.replace(TENANT, tenant) if re.fullmatch(r"[0-9a-f-]{36}", tenant) else said


def _key(provider: Provider, key_id: str) -> jwt.PyJWK:
    """The provider's key with this id. An unknown id makes us fetch the keys again, because providers rotate them."""
    known = _of(provider)
    age = time.monotonic() - known.keys_at
    if age > KEPT_SECONDS or (key_id not in known.keys and age > FETCHED_AGAIN_SECONDS):
        with BoundedSession() as session:
            found = json_of(session.get(endpoint(provider, "jwks_uri")))
        known.keys, known.keys_at = dict(_readable(found)), time.monotonic()
    if key_id not in known.keys:
        raise Refused("no key has signed it")
    return known.keys[key_id]


def _readable(found: dict[str, Any]) -> list[tuple[str, jwt.PyJWK]]:
    """Skips keys of unknown kinds and keys for encryption."""
    keys = []
    listed = found.get("keys")
    for each in listed if isinstance(listed, list) else []:
        try:
            if each.get("use", "sig") == "sig" and each.get("kty") != "oct":
                keys.append((str(each.get("kid", "")), jwt.PyJWK.from_dict(each)))
        except (jwt.PyJWTError, AttributeError, ValueError, TypeError):
            continue
    return keys


def _is_proved(provider: Provider, claims: dict[str, Any]) -> bool:
    """Whether the provider says that the address is verified, and can know that (Google: Gmail or a hosted domain)."""
    if claims.get("email_verified") not in (True, "true"):
        return False
    if provider.kind == "google":
        return str(claims["email"]).lower().endswith("@gmail.com") or bool(claims.get("hd"))
    return True


def _secret(provider: Provider) -> str:
    """Our client secret at the provider. For Apple it is a token that our key signs."""
    if provider.kind != "apple":
        return provider.client_secret
    now = clock.now()
    claims = {
        "iss": provider.team_id,
        "iat": now,
        "exp": now + timedelta(minutes=5),
        "aud": provider.issuer,
        "sub": provider.client_id,
    }
    return jwt.encode(claims, provider.client_secret, algorithm="ES256", headers={"kid": provider.key_id})


def _of(provider: Provider) -> Known:
    with _lock:
        return _known.setdefault(provider.issuer, Known())


def forget() -> None:
    """Empties the cache."""
    with _lock:
        _known.clear()


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
