"""Live sessions: checking tokens, rotating, ending (contract, Tokens and sessions)."""

import secrets
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Case, Q, When
from django.db.models.functions import Coalesce

from accounts.core import clock
from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.core.results import TokenPair
from accounts.models import Session, User
from accounts.models.session import (
    SECOND_FACTORS,
    EndReason,
    Method,
    SessionKind,
    SessionQuerySet,
    database_now,
    find_live,
    move_on,
)
from accounts.services import audit, jwt, refresh_chain
from accounts.services.jwt import Claims, TokenType
from accounts.services.refresh_chain import Standing, Use

# Methods with another name in RFC 8176.
RFC_8176 = {
    Method.TOTP.value: "otp",
    Method.RECOVERY_CODE.value: "otp",
    Method.PASSKEY.value: "pop",
    # RFC 8176 has no name for a login at another provider.
    Method.PROVIDER.value: "fed",
    Method.PROVIDER_FACTOR.value: "fed",
}
# How often the use of an admin's session is written, so that reading a page stays cheap.
ADMIN_USE_NOTED = timedelta(minutes=1)


def tokens(session: Session, refresh_id: str, *, now: datetime, access_lifetime: timedelta | None = None) -> TokenPair:
    """Makes the tokens of a session that was started or rotated; called after the transaction that did it.

    refresh_id: the id of its current refresh token. access_lifetime: the lifetime of the access token;
    ACCESS_TOKEN_MINUTES by default.
    """
    refresh = jwt.encode(
        TokenType.REFRESH,
        user_id=session.user_id,
        session_id=session.pk,
        token_id=refresh_id,
        # Made only of values in the row, so that every request within the grace gets the same token.
        issued_at=session.rotated_at,
        expires_at=session.expires_at,
    )
    access = access_token(session, now=now, lifetime=access_lifetime or conf.access_token_lifetime)
    return TokenPair(access=access, refresh=refresh)


def access_token(session: Session, *, now: datetime, lifetime: timedelta) -> str:
    """Makes an access token that lives for `lifetime`, but not longer than the session."""
    return jwt.encode(
        TokenType.ACCESS,
        user_id=session.user_id,
        session_id=session.pk,
        token_id=secrets.token_urlsafe(16),
        issued_at=now,
        expires_at=min(now + lifetime, session.expires_at),
        email_verified=session.user.email_verified,
        amr=_amr(session),
        auth_time=int(session.auth_time.timestamp()),
    )


def authenticate(access_token: str, *, to_log_out: bool = False, to_enrol: bool = False) -> Session:
    """The live session of an access token, with its user, in one statement.

    to_log_out: accepts an access token after its `exp`, and one of an unverified user. to_enrol: accepts one of a user
    who has to add a second factor. Raises AccountError(TOKEN_NOT_VALID), AccountError(EMAIL_NOT_VERIFIED) if
    verification is mandatory, and AccountError(MFA_ENROLMENT_REQUIRED) if a second factor is.
    """
    claims = jwt.decode(access_token, expected=TokenType.ACCESS, even_if_expired=to_log_out)
    session = _live(claims, clock.now())
    if not to_log_out and _waits_for_verification(session):
        raise AccountError(ErrorCode.EMAIL_NOT_VERIFIED)
    if not (to_log_out or to_enrol) and must_enrol(session):
        raise AccountError(ErrorCode.MFA_ENROLMENT_REQUIRED)
    return session


def must_enrol(session: Session) -> bool:
    """Whether the user has to add a second factor before the session can be used for anything else."""
    return conf.needs_second_factor(is_staff=session.user.is_staff) and not session.user.has_second_factor


def of_admin(session_id: str) -> Session | None:
    """The live session of the admin's cookie, with its user; None for any other text, and once it is idle."""
    now = clock.now()
    try:
        found = find_live(uuid.UUID(session_id), now=now)
    except ValueError:
        return None
    if found is None or found.kind != SessionKind.ADMIN or now - found.last_used_at >= conf.admin_idle_time:
        return None
    if _waits_for_verification(found):
        return None
    return found


def note_admin_use(session: Session, *, now: datetime) -> None:
    """Writes that the admin's session is used, unless that was written less than ADMIN_USE_NOTED ago."""
    if now - session.last_used_at >= ADMIN_USE_NOTED:
        # Of several requests at once, the first one writes. The time never goes back.
        Session.objects.filter(pk=session.pk, last_used_at=session.last_used_at).update(last_used_at=now)


def check_recent(session: Session, *, now: datetime) -> None:
    """Raises AccountError(REAUTHENTICATION_REQUIRED) unless its user proved who they are in the last ten minutes."""
    if now - session.auth_time > conf.recent_proof_for_factors:
        raise AccountError(ErrorCode.REAUTHENTICATION_REQUIRED)


def prove_again(session: Session, method: Method, *, now: datetime) -> bool:
    """Notes that its user has just proved who they are; False if the session was ended meanwhile."""
    methods = session.amr.split()
    session.amr = " ".join(methods if method in methods else [*methods, method])
    session.auth_time = now
    these = Session.objects.filter(pk=session.pk, ended_at=None)
    return bool(these.update(amr=session.amr, auth_time=now))


def check(token: str) -> None:
    """Raises AccountError(TOKEN_NOT_VALID) unless `token` is an access or the refresh token of a live session."""
    now = clock.now()
    claims = jwt.decode(token, expected=None)
    session = _usable(claims, now)
    if must_enrol(session):
        raise AccountError(ErrorCode.TOKEN_NOT_VALID)
    is_refresh = claims.token_type is TokenType.REFRESH
    if is_refresh and refresh_chain.use(session, claims.token_id).standing is Standing.REUSED:
        raise AccountError(ErrorCode.TOKEN_NOT_VALID)


def use(refresh_token: str, *, now: datetime) -> Use:
    """The state of a refresh token that is not rotated. Notes its use, unless the token was used again after the grace.

    Raises AccountError(TOKEN_NOT_VALID) for a token of no live session.
    """
    claims = jwt.decode(refresh_token, expected=TokenType.REFRESH)
    used = refresh_chain.use(_usable(claims, now), claims.token_id)
    if used.standing is not Standing.REUSED:
        # Another request may have rotated meanwhile. Then the token is no longer the current one.
        is_current = Q(refresh_hash=refresh_chain.hash_of(claims.token_id))
        used_at = database_now()
        shown_at = Case(When(is_current, then=Coalesce("shown_at", used_at)), default="shown_at")
        these = Session.objects.filter(pk=used.session.pk, ended_at=None)
        noted = these.update(last_used_at=used_at, shown_at=shown_at)
        if not noted:
            raise AccountError(ErrorCode.TOKEN_NOT_VALID)
    return used


def find(refresh_token: str) -> Session:
    """The live session of a refresh token, which may be the current one or an older one.

    Raises AccountError(TOKEN_NOT_VALID).
    """
    return _live(jwt.decode(refresh_token, expected=TokenType.REFRESH), clock.now())


def rotate(refresh_token: str, *, now: datetime) -> Use:
    """Moves the session to its next refresh token. An innocent older token leads to the current one.

    Raises AccountError(TOKEN_NOT_VALID) for a token of no live session.
    """
    claims = jwt.decode(refresh_token, expected=TokenType.REFRESH)
    used = refresh_chain.use(_usable(claims, now), claims.token_id)
    if used.standing is not Standing.CURRENT:
        return used
    session, next_id = used.session, refresh_chain.following_id(claims.token_id)
    before = refresh_chain.times_after(session)
    rotated_at = move_on(session, refresh_hash=refresh_chain.hash_of(next_id), rotated_before=before)
    if rotated_at is not None:
        session.rotated_at = rotated_at
        return Use(session=session, standing=Standing.CURRENT, current_id=next_id)
    used = refresh_chain.use(_live(claims, now), claims.token_id)
    if used.standing is not Standing.IN_GRACE:
        # The token was the current one a moment ago, and two other requests were faster. It was not stolen.
        raise AccountError(ErrorCode.TOKEN_NOT_VALID)
    return used


def lock_user(user_id: uuid.UUID) -> None:
    """Lets requests that end several sessions of one user take turns, so that they never deadlock."""
    User.objects.select_for_update(no_key=True).filter(pk=user_id).first()


def end(these: SessionQuerySet, *, reason: EndReason, context: ClientContext, now: datetime) -> int:
    """Ends the sessions among `these` that are not ended, records each, and returns their number."""
    ended = these.end(reason=reason, now=now)
    audit.record_endings(ended, context, reason=reason)
    return len(ended)


def export(user: User) -> Iterator[dict[str, object]]:
    """The stored sessions of a user, without the values that log in."""
    columns = ("id", "kind", "dialect", "ip", "user_agent", "amr", "auth_time")
    times = ("started_at", "last_used_at", "expires_at", "ended_at", "end_reason")
    yield from Session.objects.filter(user=user).order_by("started_at").values(*columns, *times).iterator()


def _amr(session: Session) -> list[str]:
    """The methods that proved the session in the words of RFC 8176, with "mfa" if a second factor was proved."""
    methods = session.amr.split()
    words = [*dict.fromkeys(RFC_8176.get(method, method) for method in methods)]
    return words if SECOND_FACTORS.isdisjoint(methods) else [*words, "mfa"]


def _usable(claims: Claims, now: datetime) -> Session:
    session = _live(claims, now)
    if _waits_for_verification(session):
        raise AccountError(ErrorCode.TOKEN_NOT_VALID)
    return session


def _waits_for_verification(session: Session) -> bool:
    """Whether the session cannot be used until its user's address is verified."""
    return conf.verification_is_mandatory and not session.user.email_verified


def _live(claims: Claims, now: datetime) -> Session:
    session = find_live(claims.session_id, now=now)
    if session is None or session.user_id != claims.user_id:
        raise AccountError(ErrorCode.TOKEN_NOT_VALID)
    return session
