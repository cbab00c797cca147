import time
from datetime import timedelta

from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models.session import Method, SessionKind
from accounts.services import idempotency, logins, passwords, users
from accounts.services.limits import LimitReached
from accounts.services.logins import LoggedIn, Started


def log_in(
    *,
    names: tuple[str, ...],
    password: str,
    kind: SessionKind = SessionKind.API,
    lifetime: timedelta | None = None,
    context: ClientContext,
) -> LoggedIn:
    """Starts a session for the user whom every one of `names` (usernames or addresses) names.

    kind: what the client will hold of the session; the admin accepts only staff. lifetime: of the session and its
    access token, for clients without a refresh token. Raises AccountError(INVALID_CREDENTIALS), the same and at the
    same cost for an unknown name, a wrong password and an inactive account, AccountError(EMAIL_NOT_VERIFIED) if
    verification is mandatory, AccountError(MFA_REQUIRED) with a `challenge` for answer_challenge(),
    AccountError(RATE_LIMITED) and AccountError(OVERLOADED).
    """
    began = time.monotonic()
    passwords.check_queue()
    user, knows_place = users.find_for_login(*names, place=context.place)
    counted_as = users.counted_as(user, *names, known_place=context.place if knows_place else "")
    try:
        verdict = passwords.prove(password, user, counted_as=counted_as, context=context, since=began)
    except LimitReached as refusal:
        if logins.owner_is_told_of(refusal, counted_as=counted_as):
            with transaction.atomic(durable=True):
                logins.tell_of_guessing(user, context)
        raise
    now = clock.now()
    with transaction.atomic(durable=True):
        users.note_lock(user, until=verdict.locks_until)
        login = logins.finish(
            user,
            proved=(Method.PASSWORD,) if verdict.correct else (),
            proved_hash=verdict.hash,
            kind=kind,
            lifetime=lifetime,
            counted_as=counted_as,
            context=context,
            now=now,
        )
        if isinstance(login, Started):
            idempotency.note(context)
    if isinstance(login, AccountError):
        if login.code is ErrorCode.INVALID_CREDENTIALS:
            passwords.wait_out(verdict)
        raise login
    return logins.with_tokens(login, lifetime=lifetime, now=now)
