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
    """user and tokens are None where verification is mandatory: the answer is the same for a taken address."""

    user: User | None
    tokens: TokenPair | None


def sign_up(*, username: str, email: str, password: str, context: ClientContext) -> SignedUp:
    """Makes an account, mails its verification key and, where verification is optional, starts a session.

    Raises AccountErrors for a username, address or password that cannot be had, AccountError(USERNAME_TAKEN), and
    where verification is optional AccountError(EMAIL_TAKEN).
    """
    user = User(username=username, email=email, language=context.language)

    def clean_username() -> None:
        user.username = identity.clean_username(username)

    def clean_email() -> None:
        user.email = identity.clean_email(email)

    AccountErrors.gather(clean_username, clean_email, lambda: passwords.validate(password, user))
    user.password = passwords.make_hash(password)
    now = clock.now()
    user.created_at = user.last_visit = now
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
