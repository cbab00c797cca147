"""The ids of a session's refresh tokens (contract, Tokens and sessions; RFC 9700 §4.14.2).

The ids form a chain: each id is an HMAC of the one before. The session's row holds only the hash of the current id.
That is enough: the current id can be derived from an older token, so its client can get exactly the current token.

A replaced token is innocent until its successor is used, and for the grace after that: an answer may have been lost, or
another tab was faster. If a token is two links back, its successor was used when it was rotated itself. All these times
come from the database's clock, so they agree between machines and for requests that waited.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from accounts.core.conf import conf
from accounts.models import Session

# How far behind the current one a token may be (contract).
MOST_LINKS = 8


class Standing(Enum):
    """The state of a refresh token in its live session."""

    CURRENT = auto()
    IN_GRACE = auto()
    REUSED = auto()


@dataclass(frozen=True, kw_only=True)
class Use:
    """The result of using a refresh token.

    session: with its user. standing: the state of the token. current_id: the id of the current refresh token; None if
    the token was used again after the grace.
    """

    session: Session
    standing: Standing
    current_id: str | None


def first_id() -> str:
    return secrets.token_urlsafe(24)


def following_id(token_id: str) -> str:
    """The id that follows `token_id`."""
    return _link(token_id, conf.secret_keys[0])


def hash_of(token_id: str) -> str:
    """The hash of a refresh token's id, as the session's row holds it."""
    return hashlib.sha256(token_id.encode()).hexdigest()


def use(session: Session, token_id: str) -> Use:
    """The state of the refresh token with this id in `session`, as find_live() read it."""
    if hmac.compare_digest(session.refresh_hash, hash_of(token_id)):
        return Use(session=session, standing=Standing.CURRENT, current_id=token_id)
    for links, following in _following(token_id):
        if hmac.compare_digest(session.refresh_hash, hash_of(following)):
            if _is_innocent(session, links):
                return Use(session=session, standing=Standing.IN_GRACE, current_id=following)
            break
    return Use(session=session, standing=Standing.REUSED, current_id=None)


def times_after(session: Session) -> str:
    """The value of `rotated_before` after the next rotation."""
    before = [str(round(session.rotated_at.timestamp() * 1_000_000)), *session.rotated_before.split()]
    return " ".join(before[: MOST_LINKS - 1])


def _is_innocent(session: Session, links: int) -> bool:
    """Whether a token that is `links` behind the current one is innocent."""
    if links == 1:
        return session.shown_at is None or session.read_at <= session.shown_at + conf.refresh_grace
    rotations = [session.rotated_at]
    rotations += [datetime.fromtimestamp(int(time) / 1_000_000, UTC) for time in session.rotated_before.split()]
    return len(rotations) > links - 2 and session.read_at <= rotations[links - 2] + conf.refresh_grace


def _following(token_id: str) -> Iterator[tuple[int, str]]:
    """The ids that may follow `token_id`, each with its distance in links, up to MOST_LINKS.

    Each link was made with the SECRET_KEY of its time. After a link of a newer key, no link of an older key can follow.
    """
    keys = list(reversed(conf.secret_keys))
    level = [(token_id, 0)]
    for links in range(1, MOST_LINKS + 1):
        level = [(_link(one, keys[key]), key) for one, oldest in level for key in range(oldest, len(keys))]
        for following, _key in level:
            yield links, following


def _link(token_id: str, secret_key: str) -> str:
    return hmac.new(b"accounts refresh chain" + secret_key.encode(), token_id.encode(), hashlib.sha256).hexdigest()
