"""The ids of a session's refresh tokens (contract, Tokens and sessions; RFC 9700 §4.14.2).

A refresh token's id is a link of a chain: the next id is an HMAC of the one before. The session's row holds the hash of
the current id alone, and that is enough: who shows the previous token shows what the current one is made from, so the
grace can answer the very same current token, and whoever shows anything older cannot be told from a thief.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from accounts.core.conf import conf
from accounts.models import Session


class Standing(Enum):
    """What a refresh token is to its live session."""

    CURRENT = auto()
    IN_GRACE = auto()
    REUSED = auto()


@dataclass(frozen=True, kw_only=True)
class Use:
    """What came of showing a refresh token.

    session: with its user. standing: what the token was. current_id: of the refresh token that is the current one
    now; None where the token was used again after the grace.
    """

    session: Session
    standing: Standing
    current_id: str | None


def first_id() -> str:
    return secrets.token_urlsafe(24)


def following_id(token_id: str) -> str:
    """The id that follows `token_id`."""
    return _following_ids(token_id)[0]


def hash_of(token_id: str) -> str:
    """What a session's row holds of its current refresh token."""
    return hashlib.sha256(token_id.encode()).hexdigest()


def use(session: Session, token_id: str, *, now: datetime) -> Use:
    """What the refresh token of this id is to `session` as it was read."""
    if hmac.compare_digest(session.refresh_hash, hash_of(token_id)):
        return Use(session=session, standing=Standing.CURRENT, current_id=token_id)
    for following in _following_ids(token_id):
        is_current = hmac.compare_digest(session.refresh_hash, hash_of(following))
        if is_current and now <= session.rotated_at + conf.refresh_grace:
            return Use(session=session, standing=Standing.IN_GRACE, current_id=following)
    return Use(session=session, standing=Standing.REUSED, current_id=None)


def _following_ids(token_id: str) -> list[str]:
    """The id that follows `token_id`, under SECRET_KEY first and then under each key that is still honoured."""
    return [
        hmac.new(b"accounts refresh chain" + key.encode(), token_id.encode(), hashlib.sha256).hexdigest()
        for key in conf.secret_keys
    ]
