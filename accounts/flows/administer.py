"""What an administrator does to an account."""

from dataclasses import replace
from functools import partial

from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountErrors
from accounts.models import Session, User
from accounts.models.security_event import EventKind
from accounts.models.session import EndReason
from accounts.services import addresses, audit, changes, mail, outbox, passwords, sessions, users


def add_user(
    *,
    username: str | None,
    email: str,
    password: str,
    is_superuser: bool = False,
    verified: bool,
    context: ClientContext,
) -> User:
    """Makes an account without a session and without mail; a superuser may use the admin.

    username: None makes one from the address.
    Raises AccountErrors for a username, address or password that cannot be had, AccountError(USERNAME_TAKEN) and
    AccountError(EMAIL_TAKEN).
    """
    user = changes.new_user(username, email, password, context, now=clock.now())
    user.is_staff = user.is_superuser = is_superuser
    with transaction.atomic(durable=True):
        users.add(user, verified=verified, may_rename=username is None)
        audit.record(EventKind.REGISTERED, context, user=user)
    return user


def change_user(
    *,
    user: User,
    username: str | None = None,
    avatar_url: str | None = None,
    email: str | None = None,
    password: str | None = None,
    is_active: bool | None = None,
    is_staff: bool | None = None,
    is_superuser: bool | None = None,
    verified: bool | None = None,
    session: Session | None = None,
    context: ClientContext,
) -> None:
    """Sets what is not None, all or nothing.

    A new password and deactivating end the sessions; a new address is told to both the old and the new one, and
    like unmarking it kills the keys mailed before.
    session: the administrator's, which outlives a new password of their own.
    Raises AccountErrors for values that cannot be had, AccountError(USERNAME_TAKEN), AccountError(EMAIL_TAKEN), and
    AccountError(LAST_SUPERUSER) for deactivating or demoting the last active superuser.
    """
    wanted = User(username=user.username, avatar_url=user.avatar_url, email=user.email)

    AccountErrors.gather(
        partial(changes.clean_username, wanted, username),
        partial(changes.clean_avatar_url, wanted, avatar_url),
        partial(changes.clean_email, wanted, email),
        partial(changes.check_password, wanted, password),
    )
    new_hash = None if password is None else passwords.make_hash(password)
    with transaction.atomic(durable=True):
        # First of all, because it locks the rows of several users.
        if is_active is False or is_superuser is False:
            users.keep_a_superuser(user)
        if (wanted.username, wanted.avatar_url) != (user.username, user.avatar_url):
            users.rename(user, username=wanted.username, avatar_url=wanted.avatar_url)
            audit.record(EventKind.PROFILE_CHANGED, context, user=user)
        if new_hash is not None:
            passwords.put(user, to=new_hash)
            changes.password_changed(user, context, session=session)
        if wanted.email != user.email:
            changes.change_email(user, wanted.email, context, session=session)
            if not verified:
                mail.verification(user, context)
        if users.set_roles(user, is_staff=is_staff, is_superuser=is_superuser):
            roles = f"is_staff={user.is_staff} is_superuser={user.is_superuser}"
            audit.record(EventKind.ROLES_CHANGED, context, user=user, detail=roles)
        if verified is not None and addresses.set_verified(user, verified):
            kind = EventKind.EMAIL_VERIFIED if verified else EventKind.EMAIL_UNVERIFIED
            audit.record(kind, context, user=user)
        if is_active is not None and users.set_active(user, is_active):
            audit.record(EventKind.ACTIVATED if is_active else EventKind.DEACTIVATED, context, user=user)
            if not is_active:
                these = Session.objects.filter(user=user)
                sessions.end(these, reason=EndReason.DEACTIVATED, context=context, now=clock.now())


def delete_user(*, user: User, actor: User, context: ClientContext) -> None:
    """Deletes an account with everything of its own; its security events stay, without personal data.

    actor: who does it, maybe the user themselves.
    Raises AccountError(LAST_SUPERUSER) for the last active superuser.
    """
    if actor.pk == user.pk:
        context = replace(context, ip="", user_agent="")
    with transaction.atomic(durable=True):
        users.keep_a_superuser(user)
        audit.forget_person(user)
        audit.record(EventKind.DELETED, context)
        outbox.forget(user.email)
        user.delete()
