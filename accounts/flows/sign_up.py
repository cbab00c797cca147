from contextlib import nullcontext
from dataclasses import dataclass

from django.db import transaction

from accounts.core import clock
from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.core.results import TokenPair
from accounts.models import User, VerificationCode
from accounts.models.security_event import EventKind
from accounts.models.session import Method
from accounts.services import (
    audit,
    changes,
    codes,
    idempotency,
    limits,
    logins,
    mail,
    names,
    passwords,
    pauses,
    sessions,
    users,
)
from accounts.services.logins import Started


@dataclass(frozen=True, kw_only=True)
class SignedUp:
    """user: if verification is mandatory, a stand-in that looks the same for a new and a taken address.

    tokens: None if no session was started.
    """

    user: User
    tokens: TokenPair | None


def sign_up(
    *, username: str | None, email: str, password: str, starts_session: bool = True, context: ClientContext
) -> SignedUp:
    """Makes an account, mails its verification key and, if verification is optional, starts a session.

    username: None makes one from the address. starts_session: False for clients that log in after the registration.
    Raises AccountErrors for a username, address or password that is not allowed, AccountError(USERNAME_TAKEN), if
    verification is optional AccountError(EMAIL_TAKEN), AccountError(RATE_LIMITED) and AccountError(OVERLOADED).
    """
    now = clock.now()
    user = changes.new_user(username, email, password, context, now=now)
    mails = limits.by_mailbox(names.lookup_key(user.email), context)
    limits.take(*limits.by_place(limits.REGISTRATIONS_PER_IP, context), *mails)
    user.password = passwords.make_hash(password)
    login = None
    # If a taken address is not revealed, the time must not reveal it either.
    evenly = pauses.even_time() if conf.verification_is_mandatory else nullcontext()
    with evenly, limits.given_back_after_a_refusal(*mails), transaction.atomic(durable=True):
        try:
            users.add(user, verified=False, may_rename=username is None)
        except AccountError as refusal:
            if refusal.code is not ErrorCode.EMAIL_TAKEN or not conf.verification_is_mandatory:
                raise
            # A stranger must not learn that the address is taken. Its owner gets a mail.
            owner = users.find(user.email)
            audit.record(EventKind.REGISTRATION_REFUSED, context, user=owner)
            if owner:
                mail.registration_attempt(owner, context)
            idempotency.note(context)
            return SignedUp(user=_stand_in(user), tokens=None)
        audit.record(EventKind.REGISTERED, context.by_user(user.pk), user=user)
        mail.verification(user, context)
        idempotency.note(context)
        if starts_session and not conf.verification_is_mandatory:
            login = logins.finish(user, proved=(Method.PASSWORD,), context=context, now=now)
    return SignedUp(
        user=_stand_in(user) if conf.verification_is_mandatory else user,
        tokens=sessions.tokens(login.session, login.refresh_id, now=now) if isinstance(login, Started) else None,
    )


def sign_up_with_code(
    *, username: str, email: str, password: str, code: str, starts_session: bool = True, context: ClientContext
) -> TokenPair | None:
    """Makes a verified account for the person with the code that was mailed to `email`, and starts a session.

    starts_session: False for clients that do not get its tokens; then it returns None. Raises AccountErrors for a
    username, address or password that is not allowed, AccountError(INVALID_CODE), and AccountError(USERNAME_TAKEN or
    EMAIL_TAKEN), which do not spend the code (contract, Durudex); AccountError(RATE_LIMITED) and
    AccountError(OVERLOADED).
    """
    now = clock.now()
    user = changes.new_user(username, email, password, context, now=now)
    limits.take(*limits.by_place(limits.REGISTRATIONS_PER_IP, context))
    user.password = passwords.make_hash(password)
    login = None
    with codes.one_try(user.email) as attempt, transaction.atomic(durable=True):
        attempt.is_right = codes.spend(VerificationCode, user.email, code, now=now)
        if attempt.is_right:
            users.add(user, verified=True)
            audit.record(EventKind.REGISTERED, context.by_user(user.pk), user=user)
            if starts_session:
                proved = (Method.PASSWORD, Method.MAILED_CODE)
                login = logins.finish(user, proved=proved, context=context, now=now)
        else:
            audit.record(EventKind.CODE_REFUSED, context)
    if not attempt.is_right:
        raise AccountError(ErrorCode.INVALID_CODE)
    return sessions.tokens(login.session, login.refresh_id, now=now) if isinstance(login, Started) else None


def _stand_in(user: User) -> User:
    """A user who is shown in place of `user`. No account has their id.

    The id of the account would reveal a new address, because the account can be looked up by its id.
    """
    stand_in = User(username=user.username, email=user.email, created_at=user.created_at, last_visit=user.last_visit)
    stand_in.address = None
    return stand_in
