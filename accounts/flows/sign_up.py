from dataclasses import dataclass

from django.db import transaction

from accounts.core import clock
from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.core.results import TokenPair
from accounts.models import User
from accounts.models.security_event import EventKind
from accounts.services import audit, changes, codes, mail, sessions, users


@dataclass(frozen=True, kw_only=True)
class SignedUp:
    """user: where verification is mandatory a stand-in, made the same way for a fresh and a taken address.

    tokens: None where no session was started.
    """

    user: User
    tokens: TokenPair | None


def sign_up(
    *, username: str | None, email: str, password: str, starts_session: bool = True, context: ClientContext
) -> SignedUp:
    """Makes an account, mails its verification key and, where verification is optional, starts a session.

    username: None makes one from the address. starts_session: False for clients that log in after they registered.
    Raises AccountErrors for a username, address or password that cannot be had, AccountError(USERNAME_TAKEN), and
    where verification is optional AccountError(EMAIL_TAKEN).
    """
    now = clock.now()
    user = changes.new_user(username, email, password, context, now=now)
    head = None
    # Its id is nobody's: the id of the account would tell a fresh address, to whom it can be looked up.
    stand_in = User(username=user.username, email=user.email, created_at=now, last_visit=now)
    stand_in.email_verified = False
    with transaction.atomic(durable=True):
        try:
            users.add(user, verified=False, may_rename=username is None)
        except AccountError as refusal:
            if refusal.code is not ErrorCode.EMAIL_TAKEN or not conf.verification_is_mandatory:
                raise
            # A stranger must not learn that the address is taken; its owner may well.
            owner = users.find(user.email)
            audit.record(EventKind.REGISTRATION_REFUSED, context, user=owner)
            if owner:
                mail.registration_attempt(owner, context)
            return SignedUp(user=stand_in, tokens=None)
        audit.record(EventKind.REGISTERED, context, user=user)
        mail.verification(user, context)
        if starts_session and not conf.verification_is_mandatory:
            head = sessions.start(user, context, email_verified=False, now=now)
            audit.record(EventKind.LOGGED_IN, context, user=user, session_id=head.session.pk)
    return SignedUp(
        user=stand_in if conf.verification_is_mandatory else user,
        tokens=sessions.tokens(head, now=now) if head else None,
    )


def sign_up_with_code(*, username: str, email: str, password: str, code: str, context: ClientContext) -> TokenPair:
    """Makes a verified account for who has the code that was mailed to `email`, and starts a session.

    Raises AccountErrors for a username, address or password that cannot be had, AccountError(INVALID_CODE), and
    AccountError(USERNAME_TAKEN or EMAIL_TAKEN), which leave the code as it was (contract, Durudex).
    """
    now = clock.now()
    user = changes.new_user(username, email, password, context, now=now)
    with transaction.atomic(durable=True):
        is_right = codes.spend(user.email, code, now=now)
        if is_right:
            users.add(user, verified=True)
            audit.record(EventKind.REGISTERED, context, user=user)
            head = sessions.start(user, context, email_verified=True, now=now)
            audit.record(EventKind.LOGGED_IN, context, user=user, session_id=head.session.pk)
        else:
            audit.record(EventKind.CODE_REFUSED, context)
    if not is_right:
        raise AccountError(ErrorCode.INVALID_CODE)
    return sessions.tokens(head, now=now)
