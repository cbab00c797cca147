"""Logins with another provider, and connections of providers to an account.

The provider is asked before any transaction begins. A forged state causes no request.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.core.provider import Identity
from accounts.models import Session, User
from accounts.models.security_event import EventKind
from accounts.models.session import EndReason, Method, SessionKind
from accounts.services import (
    addresses,
    audit,
    changes,
    factors,
    idempotency,
    identities,
    limits,
    logins,
    mail,
    passwords,
    sessions,
    users,
)
from accounts.services.logins import LoggedIn, Started


def log_in_with_provider(
    *,
    ask: Callable[[], Identity],
    kind: SessionKind = SessionKind.API,
    lifetime: timedelta | None = None,
    context: ClientContext,
) -> LoggedIn:
    """Starts a session for the user whom a provider names, and makes an account if they have none.

    ask: asks the provider; its refusals are counted as wrong keys. lifetime: as for log_in(). Raises the errors of
    `ask`, AccountError(RATE_LIMITED), AccountError(PROVIDER_WITHOUT_EMAIL) if a new account would have no address,
    AccountError(PROVIDER_USER_EXISTS) if another account has the address and may belong to another person, and the
    refusals of log_in().
    """
    identity = _asked(ask, context)
    now = clock.now()
    with transaction.atomic(durable=True):
        user = identities.find_user(identity) or _user_for(identity, context, now=now)
        login = logins.finish(
            user,
            proved=(Method.PROVIDER, Method.PROVIDER_FACTOR) if identity.has_factor else (Method.PROVIDER,),
            # The present hash: the session begins only if nothing has replaced it meanwhile.
            proved_hash=user.password,
            kind=kind,
            lifetime=lifetime,
            context=context,
            now=now,
        )
        if isinstance(login, Started):
            identities.note_use(identity, now=now)
            idempotency.note(context)
    if isinstance(login, AccountError):
        raise login
    return logins.with_tokens(login, lifetime=lifetime, now=now)


def connect_provider(*, session: Session, ask: Callable[[], Identity], context: ClientContext) -> User:
    """Connects the identity that a provider names to the account of the user of `session`.

    Raises the errors of `ask`, AccountError(RATE_LIMITED), AccountError(REAUTHENTICATION_REQUIRED) and
    AccountError(IDENTITY_TAKEN).
    """
    sessions.check_recent(session, now=clock.now())
    identity = _asked(ask, context)
    user = session.user
    factors.check_change(user)
    with transaction.atomic(durable=True):
        _link(user, identity, context, session=session, verified=user.email_verified)
        idempotency.note(context)
    return user


def disconnect_provider(*, session: Session, id: int, context: ClientContext) -> None:
    """Removes a connection of the user of `session`.

    Raises AccountError(REAUTHENTICATION_REQUIRED), AccountError(IDENTITY_NOT_FOUND) and AccountError(LAST_WAY_IN).
    """
    sessions.check_recent(session, now=clock.now())
    factors.check_change(session.user)
    with transaction.atomic(durable=True):
        sessions.lock_user(session.user_id)
        user = users.get(session.user_id)
        provider = identities.unlink(user, id)
        audit.record(EventKind.IDENTITY_REMOVED, context, user=user, session_id=session.pk, detail=provider)
        mail.identity_removed(user, provider, context)
        idempotency.note(context)


def _asked(ask: Callable[[], Identity], context: ClientContext) -> Identity:
    tries = limits.by_place(limits.WRONG_KEYS_PER_IP, context)
    limits.take(*tries)
    identity = ask()
    limits.give_back(*tries)
    return identity


def _user_for(identity: Identity, context: ClientContext, *, now: datetime) -> User:
    """The account for an identity that is not connected yet: an existing one or a new one.

    An identity joins the existing account of its address only if we trust the provider's word and the address is
    verified here. An account with an unverified address is emptied for the person who proves the mailbox, because a
    stranger may have registered it and chosen its password (Sudhodanan & Paverd, USENIX Security 2022).
    """
    if not identity.email:
        raise AccountError(ErrorCode.PROVIDER_WITHOUT_EMAIL)
    user = users.find_by_email(identity.email)
    if user is None:
        return _new_user(identity, context, now=now)
    if not identity.email_is_proved or not user.is_active or user.is_staff or user.is_superuser:
        raise AccountError(ErrorCode.PROVIDER_USER_EXISTS)
    was_verified = user.email_verified
    if not was_verified:
        _give_way(user, context, now=now)
    _link(user, identity, context.by_user(user.pk), verified=was_verified)
    return user


def _new_user(identity: Identity, context: ClientContext, *, now: datetime) -> User:
    try:
        user = changes.new_user(None, identity.email, None, context, now=now)
    except AccountError:
        # The address is not allowed here.
        raise AccountError(ErrorCode.PROVIDER_WITHOUT_EMAIL) from None
    user.password = passwords.make_unusable()
    if identity.email_is_proved:
        user.mailbox_proved_at = now
    try:
        users.add(user, verified=identity.email_is_proved, may_rename=True)
    except AccountError:
        # Another login with the same identity was faster, or another user took the address.
        if found := identities.find_user(identity):
            return found
        raise AccountError(ErrorCode.PROVIDER_USER_EXISTS) from None
    context = context.by_user(user.pk)
    audit.record(EventKind.REGISTERED, context, user=user, detail=identity.provider.id)
    identities.link(user, identity)
    if not identity.email_is_proved:
        mail.verification(user, context)
    return user


def _give_way(user: User, context: ClientContext, *, now: datetime) -> None:
    """Removes everything from the account that the person who registered it has brought."""
    if not passwords.swap(user, to=passwords.make_unusable(), mailbox_proved_at=now):
        raise AccountError(ErrorCode.PROVIDER_USER_EXISTS)
    sessions.end(Session.objects.filter(user=user), reason=EndReason.PASSWORD_RESET, context=context, now=now)
    factors.forget(user)
    identities.forget(user)
    addresses.set_verified(user, True)
    audit.record(EventKind.EMAIL_VERIFIED, context.by_user(user.pk), user=user)


def _link(
    user: User, identity: Identity, context: ClientContext, *, session: Session | None = None, verified: bool
) -> None:
    # The notice is mailed before the connection is made: "this was not me" removes what was added after the notice.
    mail.identity_added(user, identity.provider.name, context, verified=verified)
    identities.link(user, identity)
    session_id = session.pk if session else None
    audit.record(EventKind.IDENTITY_ADDED, context, user=user, session_id=session_id, detail=identity.provider.id)
