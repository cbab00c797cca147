"""The door to other providers: begin a login, and learn whom the provider names (RFC 6749, 7636, 9207, 9700).

The data of a begun login travel with the browser as the encrypted `state`. So nothing is stored for people who never
come back, and a forged state causes no request to the provider.
"""

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from accounts.core.conf import conf
from accounts.core.errors import AccountError, ErrorCode
from accounts.core.provider import Identity, Provider
from accounts.services import encryption
from accounts.services.providers import http, oauth2, oidc, telegram
from accounts.services.providers.oidc import Refused

PURPOSE = "provider states"
STATE_SECONDS = 600
LONGEST_STATE = 4000
LONGEST_CODE = 4000
OAUTH2_KINDS = frozenset(oauth2.ADAPTERS)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Begun:
    """url: where the browser goes. binding: a secret that the same browser has to show when it is back."""

    url: str
    binding: str


@dataclass(frozen=True, kw_only=True)
class State:
    """A login that was begun. user_id: the user who wants to connect the identity; None for a login."""

    provider: Provider
    nonce: str
    verifier: str
    redirect_uri: str
    user_id: uuid.UUID | None


def find(id: str) -> Provider:
    """Raises AccountError(PROVIDER_NOT_FOUND)."""
    provider = conf.providers.get(id)
    if provider is None:
        raise AccountError(ErrorCode.PROVIDER_NOT_FOUND)
    return provider


def begin(
    provider: Provider,
    *,
    redirect_uri: str,
    scopes: tuple[str, ...] = (),
    user_id: uuid.UUID | None = None,
) -> Begun:
    """Makes an authorization request with PKCE, for a browser that comes back to `redirect_uri`.

    scopes: in addition to the needed and the configured ones. Raises AccountError(PROVIDER_UNAVAILABLE).
    """
    binding, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    content = [provider.id, _hash(binding), nonce, verifier, redirect_uri, user_id and str(user_id)]
    state = encryption.encrypt(json.dumps(content).encode(), PURPOSE)
    if provider.kind == "telegram":
        origin = conf.public_url
        query = {"bot_id": provider.client_id, "origin": origin, "return_to": redirect_uri, "request_access": "write"}
        return Begun(url=f"{provider.issuer}/auth?{urlencode(query)}", binding=binding)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "state": state,
    }
    # Facebook ignores the challenge of this request, and then refuses the verifier of the next one.
    if provider.kind != "facebook":
        query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    if provider.kind in OAUTH2_KINDS:
        url, needed, delimiter = (
            oauth2.authorize_url(provider),
            oauth2.scopes(provider),
            oauth2.scope_delimiter(provider),
        )
    else:
        query["nonce"] = nonce
        if provider.kind == "apple":
            # The provider sends an address only in this way.
            query["response_mode"] = "form_post"
        url = _ask(provider, lambda: oidc.endpoint(provider, "authorization_endpoint"))
        needed, delimiter = [*oidc.SCOPES, *provider.scopes], " "
    query["scope"] = delimiter.join(dict.fromkeys([*needed, *scopes]))
    return Begun(url=f"{url}{'&' if '?' in url else '?'}{urlencode(query)}", binding=binding)


def read_state(text: str, *, provider: Provider, binding: str) -> State:
    """The login that was begun with this provider in the browser that shows `binding`. Sends no request.

    Raises AccountError(PROVIDER_STATE_UNREADABLE) for a text that is not ours or older than ten minutes, and
    AccountError(PROVIDER_STATE_INVALID) for the state of another browser or provider.
    """
    content = None
    if len(text) <= LONGEST_STATE and text.isascii():
        content = encryption.decrypt(text, PURPOSE, seconds=STATE_SECONDS)
    if content is None:
        raise AccountError(ErrorCode.PROVIDER_STATE_UNREADABLE)
    provider_id, bound_to, nonce, verifier, redirect_uri, user_id = json.loads(content)
    if provider_id != provider.id or not hmac.compare_digest(bound_to, _hash(binding)):
        raise AccountError(ErrorCode.PROVIDER_STATE_INVALID)
    return State(
        provider=provider,
        nonce=nonce,
        verifier=verifier,
        redirect_uri=redirect_uri,
        user_id=uuid.UUID(user_id) if user_id else None,
    )


def identity_by_code(state: State, *, code: str, issuer: str | None = None, device_id: str = "") -> Identity:
    """The person whom the provider names for the code that a browser brought back; called outside of transactions.

    issuer: the issuer that came with the code (RFC 9207). Raises AccountError(PROVIDER_REFUSED) and
    AccountError(PROVIDER_UNAVAILABLE).
    """
    provider = state.provider
    if issuer is not None and issuer != provider.issuer:
        raise AccountError(ErrorCode.PROVIDER_REFUSED)
    return exchanged(
        provider,
        code=code,
        verifier=state.verifier,
        redirect_uri=state.redirect_uri,
        nonce=state.nonce,
        device_id=device_id,
    )


def exchanged(
    provider: Provider, *, code: str, verifier: str, redirect_uri: str, nonce: str | None, device_id: str = ""
) -> Identity:
    """Like identity_by_code(), for a client that made the request itself. nonce: None if it sent none."""
    if not 0 < len(code) <= LONGEST_CODE or provider.kind == "telegram":
        raise AccountError(ErrorCode.PROVIDER_REFUSED)
    if provider.kind in OAUTH2_KINDS:
        return _ask(
            provider,
            lambda: oauth2.identity(
                provider, code=code, verifier=verifier, redirect_uri=redirect_uri, device_id=device_id
            ),
        )

    def ask() -> Identity:
        token = oidc.exchange(provider, code=code, verifier=verifier, redirect_uri=redirect_uri)
        return oidc.identity(provider, token, nonce=nonce)

    return _ask(provider, ask)


def identity_by_token(provider: Provider, token: str, *, nonce: str | None) -> Identity:
    """The person of an id token that an application of ours got from the provider. nonce: as that application sent it.

    Raises AccountError(PROVIDER_REFUSED), also if the provider has no id tokens, and
    AccountError(PROVIDER_UNAVAILABLE).
    """
    if provider.kind in OAUTH2_KINDS:
        raise AccountError(ErrorCode.PROVIDER_REFUSED)
    if provider.kind == "telegram":
        return _ask(provider, lambda: telegram.identity(provider, token))
    return _ask(provider, lambda: oidc.identity(provider, token, nonce=nonce))


def _ask(provider: Provider, ask: Callable[[], T]) -> T:
    try:
        return http.within_time(provider.id, ask)
    except Refused:
        raise AccountError(ErrorCode.PROVIDER_REFUSED) from None


def _hash(binding: str) -> str:
    return hashlib.sha256(binding.encode(errors="replace")).hexdigest()
