"""The beginning of sessions: every way to log in ends in finish() (contract, Tokens and sessions)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.core.results import TokenPair
from accounts.models import Session, User
from accounts.models.security_event import EventKind
from accounts.models.session import Method, SessionKind
from accounts.services import audit, challenges, factors, limits, mail, passwords, refresh_chain, sessions
from accounts.services.limits import LimitReached


@dataclass(frozen=True, kw_only=True)
class Started:
    """A session that began, and the id of its first refresh token."""

    session: Session
    refresh_id: str


@dataclass(frozen=True, kw_only=True)
class LoggedIn:
    user: User
    session: Session
    tokens: TokenPair


def with_tokens(login: Started, *, lifetime: timedelta | None, now: datetime) -> LoggedIn:
    """Makes the first tokens of a session that began; called after the transaction that started it.

    lifetime: of the access token; ACCESS_TOKEN_MINUTES by default.
    """
    session = login.session
    tokens = sessions.tokens(session, login.refresh_id, now=now, access_lifetime=lifetime)
    return LoggedIn(user=session.user, session=session, tokens=tokens)


def owner_is_told_of(refusal: LimitReached, *, counted_as: str) -> bool:
    """Whether to tell the owner now that somebody guesses at their password; true at most once a day.

    Called outside of transactions. The used-up limit of a client that guesses at many accounts is not told to any
    owner.
    """
    if refusal.limits.isdisjoint({limits.WRONG_PASSWORDS_PER_HOUR, limits.WRONG_PASSWORDS_PER_DAY}):
        return False
    try:
        limits.take((limits.GUESSING_NOTICES_PER_DAY, counted_as))
    except LimitReached:
        return False
    return True


def tell_of_guessing(user: User | None, context: ClientContext, *, session: Session | None = None) -> None:
    """Records that somebody guesses at a password, and mails that to the owner. An unknown account costs the same work.

    session: the session that sent the passwords.
    """
    audit.record(EventKind.PASSWORD_GUESSED, context, user=user, session_id=session.pk if session else None)
    mail.password_guessed(user, context)


def finish(
    user: User | None,
    *,
    proved: tuple[Method, ...],
    proved_hash: str | None = None,
    kind: SessionKind = SessionKind.API,
    lifetime: timedelta | None = None,
    counted_as: str = "",
    context: ClientContext,
    now: datetime,
) -> Started | AccountError:
    """Starts a session for `user`, or returns a refusal, and records either; called in the flow's transaction.

    A refusal is returned and not raised, so that the flow commits its event first. If a second factor is still to be
    proved, the refusal is AccountError(MFA_REQUIRED), whose data are a `challenge` and the `factors` that answer it.

    user: the named user; None for an unknown name. proved: the methods that were proved; empty if none was.
    proved_hash: the hash of the password that was proved. The session begins only if the user still has it: never after
    a reset that ended all sessions. kind: what the client will hold of the session. lifetime: until its absolute end;
    SESSION_DAYS by default. counted_as: the key of the count of wrong second factors.
    """
    refusal = _refusal(user, proved, kind)
    if refusal is None and user is not None and proved_hash is not None:
        if passwords.swap(user, to=proved_hash, last_visit=now):
            user.last_visit = now
        else:
            refusal = ErrorCode.INVALID_CREDENTIALS
    if refusal is not None or user is None:
        refusal = refusal or ErrorCode.INVALID_CREDENTIALS
        audit.record(EventKind.LOGIN_FAILED, context, user=user, detail=refusal)
        return AccountError(refusal)
    if factors.are_needed(user, proved):
        challenge = challenges.open_for(
            user, proved=proved, kind=kind, lifetime=lifetime, counted_as=counted_as or str(user.pk), now=now
        )
        audit.record(EventKind.FACTOR_ASKED, context, user=user)
        return AccountError(ErrorCode.MFA_REQUIRED, data={"challenge": challenge, "factors": factors.names(user)})
    refresh_id = refresh_chain.first_id()
    session = Session.objects.create(
        user=user,
        kind=kind,
        amr=" ".join(proved),
        auth_time=now,
        dialect=context.dialect,
        ip=context.ip,
        place=context.place,
        user_agent=context.user_agent,
        started_at=now,
        last_used_at=now,
        rotated_at=now,
        expires_at=now + (lifetime or _lifetime(kind)),
        refresh_hash=refresh_chain.hash_of(refresh_id),
    )
    audit.record(EventKind.LOGGED_IN, context.by_user(user.pk), user=user, session_id=session.pk)
    return Started(session=session, refresh_id=refresh_id)


def _refusal(user: User | None, proved: tuple[Method, ...], kind: SessionKind) -> ErrorCode | None:
    if user is None or not user.is_active or not proved:
        return ErrorCode.INVALID_CREDENTIALS
    if kind is SessionKind.ADMIN and not user.is_staff:
        return ErrorCode.INVALID_CREDENTIALS
    if conf.verification_is_mandatory and not user.email_verified:
        return ErrorCode.EMAIL_NOT_VERIFIED
    return None


def _lifetime(kind: SessionKind) -> timedelta:
    return conf.admin_session_lifetime if kind is SessionKind.ADMIN else conf.session_lifetime
