from dataclasses import dataclass

from django.db import transaction

from accounts.core import clock
from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, AccountErrors, ErrorCode
from accounts.core.results import TokenPair
from accounts.models import User
from accounts.models.security_event import EventKind
from accounts.services import audit, identity, mail, passwords, sessions


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
    name = identity.username_from(email) if username is None else username
    user = User(username=name, email=email, language=context.language)

    def clean_username() -> None:
        user.username = identity.clean_username(name)

    def clean_email() -> None:
        user.email = identity.clean_email(email)

    AccountErrors.gather(clean_username, clean_email, lambda: passwords.validate(password, user))
    user.password = passwords.make_hash(password)
    now = clock.now()
    user.created_at = user.last_visit = now
    head = None
    # Its id is nobody's: the id of the account would tell a fresh address, to whom it can be looked up.
    stand_in = User(username=user.username, email=user.email, created_at=now, last_visit=now)
    stand_in.email_verified = False
    with transaction.atomic(durable=True):
        try:
            identity.add(user, verified=False, may_rename=username is None)
        except AccountError as refusal:
            if refusal.code is not ErrorCode.EMAIL_TAKEN or not conf.verification_is_mandatory:
                raise
            # A stranger must not learn that the address is taken; its owner may well.
            owner = identity.find(user.email)
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
