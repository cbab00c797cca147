from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from accounts.core import clock
from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.core.results import TokenPair
from accounts.models import User
from accounts.models.security_event import EventKind
from accounts.services import audit, passwords, sessions, users


@dataclass(frozen=True, kw_only=True)
class LoggedIn:
    user: User
    tokens: TokenPair


def log_in(
    *, names: tuple[str, ...], password: str, access_lifetime: timedelta | None = None, context: ClientContext
) -> LoggedIn:
    """Starts a session for whoever is meant by each of `names`, usernames or addresses.

    access_lifetime: how long the access token lives, if not ACCESS_TOKEN_MINUTES.
    Raises AccountError(INVALID_CREDENTIALS), the same and at the same cost for an unknown name, a wrong password and
    an inactive account, AccountError(EMAIL_NOT_VERIFIED) where verification is mandatory, AccountError(RATE_LIMITED)
    and AccountError(OVERLOADED).
    """
    user = users.find(*names)
    verdict = passwords.prove(password, user, counted_as=users.counted_as(user, *names))
    refusal = None
    if user is None or not user.is_active or not verdict.correct:
        refusal = ErrorCode.INVALID_CREDENTIALS
    elif conf.verification_is_mandatory and not user.email_verified:
        refusal = ErrorCode.EMAIL_NOT_VERIFIED
    now = clock.now()
    with transaction.atomic(durable=True):
        # The password must still be the one that was verified: a session never starts after the reset that ended all.
        if user is not None and refusal is None and not passwords.swap(user, to=verdict.hash, last_visit=now):
            refusal = ErrorCode.INVALID_CREDENTIALS
        if user is None or refusal is not None:
            audit.record(EventKind.LOGIN_FAILED, context, user=user, detail=str(refusal))
        else:
            user.last_visit = now
            head = sessions.start(user, context, email_verified=user.email_verified, now=now)
            audit.record(EventKind.LOGGED_IN, context, user=user, session_id=head.session.pk)
    if user is None or refusal is not None:
        raise AccountError(refusal or ErrorCode.INVALID_CREDENTIALS)
    return LoggedIn(user=user, tokens=sessions.tokens(head, now=now, access_lifetime=access_lifetime))
