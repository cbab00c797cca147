"""The ids of a session's refresh tokens (contract, Tokens and sessions; RFC 9700 §4.14.2).

A refresh token's id is a link of a chain: the next id is an HMAC of the one before. The session's row holds the hash of
the current id alone, and that is enough: who shows an older token shows what the current one is made from, so that they
can be given the very same current token.

A token that was superseded is innocent until its successor was shown, and for the grace after that: an answer may have
been lost, or another tab was faster. The successor of a token two links back was shown when it was rotated itself.
All of these times are of the database's clock: workers on other machines, and requests that waited, count alike.
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
    return _link(token_id, conf.secret_keys[0])


def hash_of(token_id: str) -> str:
    """What a session's row holds of its current refresh token."""
    return hashlib.sha256(token_id.encode()).hexdigest()


def use(session: Session, token_id: str) -> Use:
    """What the refresh token of this id is to `session` as find_live() read it."""
    if hmac.compare_digest(session.refresh_hash, hash_of(token_id)):
        return Use(session=session, standing=Standing.CURRENT, current_id=token_id)
    for links, following in _following(token_id):
        if hmac.compare_digest(session.refresh_hash, hash_of(following)):
            if _is_innocent(session, links):
                return Use(session=session, standing=Standing.IN_GRACE, current_id=following)
            break
    return Use(session=session, standing=Standing.REUSED, current_id=None)


def times_after(session: Session) -> str:
    """What `rotated_before` is after the next rotation."""
    before = [str(round(session.rotated_at.timestamp() * 1_000_000)), *session.rotated_before.split()]
    return " ".join(before[: MOST_LINKS - 1])


def _is_innocent(session: Session, links: int) -> bool:
    """Whether a token that is so many links behind the current one is innocent."""
    if links == 1:
        return session.shown_at is None or session.read_at <= session.shown_at + conf.refresh_grace
    rotations = [session.rotated_at]
    rotations += [datetime.fromtimestamp(int(time) / 1_000_000, UTC) for time in session.rotated_before.split()]
    return len(rotations) > links - 2 and session.read_at <= rotations[links - 2] + conf.refresh_grace


def _following(token_id: str) -> Iterator[tuple[int, str]]:
    """The ids that may follow `token_id`, each with how many links it is away, up to MOST_LINKS.

    Each link was made under the SECRET_KEY of its time: a key that came later in life never gives way to an older one.
    """
    keys = list(reversed(conf.secret_keys))
    level = [(token_id, 0)]
    for links in range(1, MOST_LINKS + 1):
        level = [(_link(one, keys[key]), key) for one, oldest in level for key in range(oldest, len(keys))]
        for following, _key in level:
            yield links, following


def _link(token_id: str, secret_key: str) -> str:
    return hmac.new(b"accounts refresh chain" + secret_key.encode(), token_id.encode(), hashlib.sha256).hexdigest()
