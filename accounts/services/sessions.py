"""Sessions: start, rotate, reuse, grace, end (contract, Tokens and sessions; RFC 9700 §4.14.2).

A refresh token's id is a link of a chain: the next id is an HMAC of the one before. The row holds the hash of the
current id alone, and that is enough: who shows the previous token shows what the current one is made from, so the
grace can answer the very same current token, and whoever shows anything older cannot be told from a thief.
"""

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from accounts.core import clock
from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.core.results import TokenPair
from accounts.models import Session, User
from accounts.models.session import EndReason, SessionQuerySet, session_proof
from accounts.services import audit, jwt
from accounts.services.jwt import Claims, TokenType


class Standing(Enum):
    """What a refresh token is to its live session."""

    CURRENT = auto()
    IN_GRACE = auto()
    REUSED = auto()


@dataclass(frozen=True, kw_only=True)
class Head:
    """A session and the id of its current refresh token: what tokens() makes the pair from."""

    session: Session
    token_id: str


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """session: with its user. head: None where the refresh token was used again after the grace."""

    session: Session
    head: Head | None


def start(user: User, context: ClientContext, *, email_verified: bool, now: datetime) -> Head:
    """A new session of `user`."""
    token_id = secrets.token_urlsafe(24)
    session = Session.objects.create(
        user=user,
        dialect=context.dialect,
        ip=context.ip,
        user_agent=context.user_agent,
        started_at=now,
        last_used_at=now,
        rotated_at=now,
        expires_at=now + conf.session_lifetime,
        refresh_hash=_hash(token_id),
    )
    session.email_verified = email_verified
    return Head(session=session, token_id=token_id)


def tokens(head: Head, *, now: datetime, access_lifetime: timedelta | None = None) -> TokenPair:
    """The tokens of a session that was started or rotated; called after the transaction that did it.

    access_lifetime: how long the access token lives, if not ACCESS_TOKEN_MINUTES.
    """
    session = head.session
    refresh = jwt.encode(
        TokenType.REFRESH,
        user_id=session.user_id,
        session_id=session.pk,
        token_id=head.token_id,
        # Made of what the row holds, so that everyone in the grace gets the same token.
        issued_at=session.rotated_at,
        expires_at=session.expires_at,
    )
    access = access_token(session, now=now, lifetime=access_lifetime or conf.access_token_lifetime)
    return TokenPair(access=access, refresh=refresh)


def access_token(session: Session, *, now: datetime, lifetime: timedelta) -> str:
    """An access token of `session` that lives for `lifetime`, but not longer than the session."""
    return jwt.encode(
        TokenType.ACCESS,
        user_id=session.user_id,
        session_id=session.pk,
        token_id=secrets.token_urlsafe(16),
        issued_at=now,
        expires_at=min(now + lifetime, session.expires_at),
        email_verified=session.email_verified,
    )


def authenticate(access_token: str, *, even_if_expired: bool = False) -> Session:
    """The live session that an access token proves, with its user, in one statement.

    even_if_expired: accepts an access token past its `exp`, for logging out.
    Raises AccountError(TOKEN_NOT_VALID).
    """
    claims = jwt.decode(access_token, expected=TokenType.ACCESS, even_if_expired=even_if_expired)
    return _live(claims, clock.now())


def check(token: str) -> None:
    """Raises AccountError(TOKEN_NOT_VALID) unless `token` is an access or the refresh token of a live session."""
    now = clock.now()
    claims = jwt.decode(token, expected=None)
    session = _live(claims, now)
    if claims.token_type is TokenType.REFRESH and _standing(session, claims.token_id, now) is Standing.REUSED:
        raise AccountError(ErrorCode.TOKEN_NOT_VALID)


def use(refresh_token: str, *, now: datetime) -> tuple[Session, bool]:
    """The session of a refresh token that stays its current one, and whether it was used again after the grace.

    Raises AccountError(TOKEN_NOT_VALID) for a token of no live session.
    """
    claims = jwt.decode(refresh_token, expected=TokenType.REFRESH)
    session = _live(claims, now)
    was_reused = _standing(session, claims.token_id, now) is Standing.REUSED
    if not was_reused and not Session.objects.filter(pk=session.pk, ended_at=None).update(last_used_at=now):
        raise AccountError(ErrorCode.TOKEN_NOT_VALID)
    return session, was_reused


def find(refresh_token: str) -> Session:
    """The live session that a refresh token, the current one or an older, belongs to.

    Raises AccountError(TOKEN_NOT_VALID).
    """
    return _live(jwt.decode(refresh_token, expected=TokenType.REFRESH), clock.now())


def rotate(refresh_token: str, *, now: datetime) -> Rotation:
    """Moves the session on to its next refresh token; within the grace the previous one leads to the current.

    Raises AccountError(TOKEN_NOT_VALID) for a token of no live session.
    """
    claims = jwt.decode(refresh_token, expected=TokenType.REFRESH)
    session = _live(claims, now)
    following = _following_ids(claims.token_id)
    if _standing(session, claims.token_id, now) is Standing.CURRENT:
        # The one statement that decides a race: of any number of refreshes, logouts and password changes, the first
        # to write makes this condition false for all others.
        won = Session.objects.filter(pk=session.pk, refresh_hash=_hash(claims.token_id), ended_at=None).update(
            refresh_hash=_hash(following[0]), rotated_at=now, last_used_at=now
        )
        if won:
            session.rotated_at = now
            return Rotation(session=session, head=Head(session=session, token_id=following[0]))
        session = _live(claims, now)
        if _standing(session, claims.token_id, now) is Standing.REUSED:
            # It was the current token a moment ago, so nobody replayed it; it only lost twice.
            raise AccountError(ErrorCode.TOKEN_NOT_VALID)
    if _standing(session, claims.token_id, now) is Standing.IN_GRACE:
        current = next(token_id for token_id in following if _hash(token_id) == session.refresh_hash)
        return Rotation(session=session, head=Head(session=session, token_id=current))
    return Rotation(session=session, head=None)


def lock_user(user_id: uuid.UUID) -> None:
    """Makes who ends several sessions of one user take turns, so that they never wait for each other in a circle."""
    User.objects.select_for_update(no_key=True).filter(pk=user_id).first()


def end(these: SessionQuerySet, *, reason: EndReason, context: ClientContext, now: datetime) -> int:
    """Ends those of `these` sessions that are not ended, records each, and answers how many there were."""
    ended = these.end(reason=reason, now=now)
    audit.record_endings(ended, context, reason=reason)
    return len(ended)


def _live(claims: Claims, now: datetime) -> Session:
    session = session_proof.get(session_id=claims.session_id, now=now)
    if session is None or session.user_id != claims.user_id:
        raise AccountError(ErrorCode.TOKEN_NOT_VALID)
    session.user.email_verified = session.email_verified
    return session


def _standing(session: Session, token_id: str, now: datetime) -> Standing:
    if hmac.compare_digest(session.refresh_hash, _hash(token_id)):
        return Standing.CURRENT
    is_previous = any(hmac.compare_digest(session.refresh_hash, _hash(link)) for link in _following_ids(token_id))
    if is_previous and now <= session.rotated_at + conf.refresh_grace:
        return Standing.IN_GRACE
    return Standing.REUSED


def _hash(token_id: str) -> str:
    return hashlib.sha256(token_id.encode()).hexdigest()


def _following_ids(token_id: str) -> list[str]:
    """The id that follows `token_id`, under SECRET_KEY first and then under each key that is still honoured."""
    return [
        hmac.new(b"accounts refresh chain" + key.encode(), token_id.encode(), hashlib.sha256).hexdigest()
        for key in conf.secret_keys
    ]
