from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.core import clock
from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, AccountErrors, ErrorCode
from accounts.core.results import TokenPair
from accounts.models import User
from accounts.models.security_event import EventKind
from accounts.services import audit, codes, identity, mail, passwords, sessions


@dataclass(frozen=True, kw_only=True)
class SignedUp:
    """user and tokens are None where verification is mandatory: the answer is the same for a taken address."""

    user: User | None
    tokens: TokenPair | None


def sign_up(*, username: str, email: str, password: str, context: ClientContext) -> SignedUp:
    """Makes an account, mails its verification key and, where verification is optional, starts a session.

    Raises AccountErrors for a username, address or password that cannot be had, AccountError(USERNAME_TAKEN), and
    where verification is optional AccountError(EMAIL_TAKEN).
    """
    now = clock.now()
    user = _checked_user(username, email, password, context, now=now)
    head = None
    with transaction.atomic(durable=True):
        try:
            identity.add(user, verified=False)
        except AccountError as refusal:
            if refusal.code is not ErrorCode.EMAIL_TAKEN or not conf.verification_is_mandatory:
                raise
            # A stranger must not learn that the address is taken; its owner may well.
            owner = identity.find(user.email)
            audit.record(EventKind.REGISTRATION_REFUSED, context, user=owner)
            if owner:
                mail.registration_attempt(owner, context)
            return SignedUp(user=None, tokens=None)
        audit.record(EventKind.REGISTERED, context, user=user)
        mail.verification(user, context)
        if not conf.verification_is_mandatory:
            head = sessions.start(user, context, email_verified=False, now=now)
            audit.record(EventKind.LOGGED_IN, context, user=user, session_id=head.session.pk)
    if head is None:
        return SignedUp(user=None, tokens=None)
    return SignedUp(user=user, tokens=sessions.tokens(head, now=now))


def sign_up_with_code(*, username: str, email: str, password: str, code: str, context: ClientContext) -> TokenPair:
    """Makes a verified account for who has the code that was mailed to `email`, and starts a session.

    Raises AccountErrors for a username, address or password that cannot be had, AccountError(INVALID_CODE), and
    AccountError(USERNAME_TAKEN or EMAIL_TAKEN), which leave the code as it was (contract, Durudex).
    """
    now = clock.now()
    user = _checked_user(username, email, password, context, now=now)
    with transaction.atomic(durable=True):
        is_right = codes.spend(user.email, code, now=now)
        if is_right:
            identity.add(user, verified=True)
            audit.record(EventKind.REGISTERED, context, user=user)
            head = sessions.start(user, context, email_verified=True, now=now)
            audit.record(EventKind.LOGGED_IN, context, user=user, session_id=head.session.pk)
        else:
            audit.record(EventKind.CODE_REFUSED, context)
    if not is_right:
        raise AccountError(ErrorCode.INVALID_CODE)
    return sessions.tokens(head, now=now)


def _checked_user(username: str, email: str, password: str, context: ClientContext, *, now: datetime) -> User:
    """A user that is not saved yet. Raises AccountErrors."""
    user = User(username=username, email=email, language=context.language, created_at=now, last_visit=now)

    def clean_username() -> None:
        user.username = identity.clean_username(username)

    def clean_email() -> None:
        user.email = identity.clean_email(email)

    AccountErrors.gather(clean_username, clean_email, lambda: passwords.validate(password, user))
    user.password = passwords.make_hash(password)
    return user
