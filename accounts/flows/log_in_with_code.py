from datetime import timedelta

from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import LoginCode, User
from accounts.models.security_event import EventKind
from accounts.models.session import Method, SessionKind
from accounts.services import audit, codes, idempotency, limits, logins, mail, names, pauses, users
from accounts.services.logins import LoggedIn, Started


@pauses.answers_evenly
def request_login_code(*, email: str, context: ClientContext) -> None:
    """Mails a code that logs the owner of `email` in, if they may use one; the same work if not.

    Raises AccountError(EMAIL_INVALID) and AccountError(RATE_LIMITED), the same for known and unknown addresses.
    """
    email = names.clean_email(email)
    mails = limits.by_mailbox(names.lookup_key(email), context)
    limits.take(*limits.by_place(limits.CODES_PER_IP, context), *mails)
    user = users.find_by_email(email)
    with transaction.atomic(durable=True):
        code = codes.issue(LoginCode, email, bound_to=_bound_to(user), now=clock.now())
        audit.record(EventKind.CODE_REQUESTED, context, user=user)
        mail.login_code(user if _may_log_in(user) else None, code, context)
        idempotency.note(context)


@pauses.answers_evenly
def log_in_with_code(
    *,
    email: str,
    code: str,
    kind: SessionKind = SessionKind.API,
    lifetime: timedelta | None = None,
    context: ClientContext,
) -> LoggedIn:
    """Starts a session for the user with the code that request_login_code() mailed to `email`.

    kind, lifetime: as for log_in(). Raises AccountError(EMAIL_INVALID), AccountError(INVALID_CODE), the same for a
    wrong code, an unknown address and a user who may not use a code, AccountError(INVALID_CREDENTIALS) if the password
    was changed at the same moment, AccountError(MFA_REQUIRED) like log_in(), and AccountError(RATE_LIMITED).
    """
    email = names.clean_email(email)
    user, knows_place = users.find_for_login(email, place=context.place)
    now = clock.now()
    login: Started | AccountError = AccountError(ErrorCode.INVALID_CODE)
    with codes.one_try(email) as attempt, transaction.atomic(durable=True):
        is_good = codes.spend(LoginCode, email, code, bound_to=_bound_to(user), now=now)
        attempt.is_right = is_good and _may_log_in(user)
        if user is None or not attempt.is_right:
            audit.record(EventKind.CODE_REFUSED, context, user=user)
        else:
            login = logins.finish(
                user,
                proved=(Method.MAILED_CODE,),
                # The present hash: the session begins only if no reset has replaced it meanwhile.
                proved_hash=user.password,
                kind=kind,
                lifetime=lifetime,
                counted_as=users.counted_as(user, email, known_place=context.place if knows_place else ""),
                context=context,
                now=now,
            )
            if isinstance(login, Started):
                idempotency.note(context)
    if isinstance(login, AccountError):
        raise login
    return logins.with_tokens(login, lifetime=lifetime, now=now)


def _may_log_in(user: User | None) -> bool:
    """Whether a mailed code is enough for `user`.

    It is not enough for staff, for whom six digits are too few, and not for an unverified address: a stranger may have
    registered the account and chosen its password, and would share it with the owner of the mailbox.
    """
    return user is not None and user.is_active and user.email_verified and not (user.is_staff or user.is_superuser)


def _bound_to(user: User | None) -> str:
    """Binds a code to the password. So a reset and "this was not me" make earlier codes worthless."""
    return f"{user.pk} {user.password}" if user else ""
