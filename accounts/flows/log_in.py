from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.core.results import TokenPair
from accounts.models import Session, User
from accounts.models.session import Method, SessionKind
from accounts.services import idempotency, logins, passwords, sessions, users
from accounts.services.limits import LimitReached
from accounts.services.logins import Started


@dataclass(frozen=True, kw_only=True)
class LoggedIn:
    user: User
    session: Session
    tokens: TokenPair


def log_in(
    *,
    names: tuple[str, ...],
    password: str,
    kind: SessionKind = SessionKind.API,
    lifetime: timedelta | None = None,
    context: ClientContext,
) -> LoggedIn:
    """Starts a session for the user whom every one of `names` (usernames or addresses) names.

    kind: what will stand for the session; the admin takes staff alone. lifetime: how long the session and its access
    token live, for clients that have no refresh token.
    Raises AccountError(INVALID_CREDENTIALS), the same and at the same cost for an unknown name, a wrong password and
    an inactive account, AccountError(EMAIL_NOT_VERIFIED) where verification is mandatory, AccountError(RATE_LIMITED)
    and AccountError(OVERLOADED).
    """
    passwords.check_queue()
    user, knows_place = users.find_for_login(*names, place=context.place)
    counted_as = users.counted_as(user, *names, known_place=context.place if knows_place else "")
    try:
        verdict = passwords.prove(password, user, counted_as=counted_as, context=context)
    except LimitReached as refusal:
        if logins.owner_is_told_of(refusal, counted_as=counted_as):
            with transaction.atomic(durable=True):
                logins.tell_of_guessing(user, context)
        raise
    now = clock.now()
    with transaction.atomic(durable=True):
        login = logins.finish(
            user,
            proved=(Method.PASSWORD,) if verdict.correct else (),
            proved_hash=verdict.hash,
            kind=kind,
            lifetime=lifetime,
            context=context,
            now=now,
        )
        if isinstance(login, Started):
            idempotency.note(context)
    if isinstance(login, ErrorCode):
        raise AccountError(login)
    tokens = sessions.tokens(login.session, login.refresh_id, now=now, access_lifetime=lifetime)
    return LoggedIn(user=login.session.user, session=login.session, tokens=tokens)
