"""The door to simplejwt: access and refresh tokens, encoded and decoded (RFC 7519, RFC 8725).

simplejwt's TokenBackend signs and verifies; the keys and their ids come from services.keys. In addition, every claim of
the contract must be present and of its type, and the header may contain only alg, kid and typ.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

import jwt
from jwt.utils import base64url_decode
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError

from accounts.core import clock
from accounts.core.conf import conf
from accounts.core.errors import AccountError, ErrorCode
from accounts.services import keys

ALGORITHM = "EdDSA"
LONGEST_TOKEN = 4096
# By how much the clock of the issuing host may be ahead. A token's end has no such leeway.
CLOCK_LEEWAY = timedelta(seconds=30)


class TokenType(StrEnum):
    ACCESS = "access"
    REFRESH = "refresh"


@dataclass(frozen=True, kw_only=True)
class Claims:
    """The claims of a valid token: its signature, times, issuer and audience were checked."""

    token_type: TokenType
    user_id: uuid.UUID
    session_id: uuid.UUID
    token_id: str


class _KeyedBackend(TokenBackend):  # type: ignore[misc]
    """simplejwt's backend with several keys: one signs, and a token's `kid` names the one that verifies."""

    def encode(self, payload: dict[str, Any]) -> str:
        kid, private = keys.signing_key()
        claims = {**payload, "aud": self.audience, "iss": self.issuer}
        return jwt.encode(claims, private, algorithm=self.algorithm, headers={"kid": kid})

    def get_verifying_key(self, token: Any) -> Any:
        key = keys.verifying_key(_kid(token))
        if key is None:
            raise jwt.InvalidTokenError("unknown key id")
        return key


@lru_cache(maxsize=8)
def _backend(issuer: str, audience: str, leeway: timedelta) -> _KeyedBackend:
    return _KeyedBackend(ALGORITHM, audience=audience, issuer=issuer, leeway=leeway)


def encode(
    token_type: TokenType,
    *,
    user_id: uuid.UUID,
    session_id: uuid.UUID,
    token_id: str,
    issued_at: datetime,
    expires_at: datetime,
    **claims: Any,
) -> str:
    """Makes a signed token. Times are cut to the second; other claims stay as they are."""
    return _backend(conf.public_url, conf.audience, timedelta(0)).encode(
        {
            "token_type": token_type.value,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": token_id,
            "iat": int(issued_at.timestamp()),
            "exp": int(expires_at.timestamp()),
            **claims,
        }
    )


def decode(token: str, *, expected: TokenType | None, even_if_expired: bool = False) -> Claims:
    """The claims of `token`.

    expected: the only accepted type; None accepts both.
    even_if_expired: accepts a token after its `exp` for as long as a session may live; used by logouts.
    Raises AccountError(TOKEN_NOT_VALID) for any other token.
    """
    try:
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise ValueError("not a token of ours")
        verified = _verified(token, conf.public_url, conf.audience, conf.session_lifetime)
    except (TokenBackendError, jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError, OverflowError, OSError):
        raise AccountError(ErrorCode.TOKEN_NOT_VALID) from None
    now = clock.now()
    is_early = verified.begins_at > now + CLOCK_LEEWAY
    is_over = verified.expires_at <= now - (conf.session_lifetime if even_if_expired else timedelta(0))
    if (
        is_early
        or is_over
        or keys.verifying_key(verified.kid) is None
        or expected not in (None, verified.claims.token_type)
    ):
        raise AccountError(ErrorCode.TOKEN_NOT_VALID)
    return verified.claims


@dataclass(frozen=True, kw_only=True)
class _Verified:
    kid: str
    begins_at: datetime
    expires_at: datetime
    claims: Claims


@lru_cache(maxsize=4096)
def _verified(token: str, issuer: str, audience: str, longest: timedelta) -> _Verified:
    """Checks a token's signature and claims, and returns the claims. Raises the errors of simplejwt and PyJWT.

    This is cached, because a client sends the same access token for some minutes and its signature stays valid.
    decode() checks every time whether the key is still accepted, and the times.
    longest: the leeway for all times here, because PyJWT has only one for all of them.
    """
    payload = _backend(issuer, audience, longest).decode(token)
    claims = Claims(
        token_type=TokenType(payload["token_type"]),
        user_id=uuid.UUID(payload["sub"]),
        session_id=uuid.UUID(payload["sid"]),
        token_id=payload["jti"],
    )
    if not isinstance(claims.token_id, str) or not isinstance(payload["iat"], int):
        raise ValueError("odd claims")
    begins, ends = max(payload["iat"], payload.get("nbf", 0)), payload["exp"]
    return _Verified(
        kid=_kid(token),
        begins_at=datetime.fromtimestamp(begins, UTC),
        expires_at=datetime.fromtimestamp(ends, UTC),
        claims=claims,
    )


def _kid(token: str) -> str:
    """The key id of a token. Raises InvalidTokenError for a header with anything else than alg, kid and typ."""
    # PyJWT's function for the header decodes the whole token, and verifying decodes it again.
    header = json.loads(base64url_decode(token.partition(".")[0]))
    kid = header.get("kid")
    if set(header) - {"alg", "kid", "typ"} or not isinstance(kid, str):
        raise jwt.InvalidTokenError("unexpected header")
    return kid
