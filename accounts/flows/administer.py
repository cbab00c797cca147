"""An administrator adds, changes and deletes accounts."""

from collections.abc import Collection

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.models import Session, User
from accounts.models.security_event import EventKind
from accounts.models.session import EndReason
from accounts.services import addresses, audit, changes, factors, mail, passwords, personal_data, sessions, users


def add_user(
    *,
    username: str | None,
    email: str,
    password: str,
    is_superuser: bool = False,
    verified: bool,
    context: ClientContext,
) -> User:
    """Makes an account without a session and without a mail. A superuser may use the admin.

    username: None makes one from the address. Raises AccountErrors for a username, address or password that is not
    allowed, AccountError(USERNAME_TAKEN) and AccountError(EMAIL_TAKEN).
    """
    user = changes.new_user(username, email, password, context, now=clock.now(), may_be_reserved=True)
    user.password = passwords.make_hash(password)
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
    groups: Collection[Group] | None = None,
    verified: bool | None = None,
    session: Session | None = None,
    context: ClientContext,
) -> bool:
    """Sets the values that are not None, all or none of them; returns whether anything changed.

    A new password and a deactivation end the sessions. A new address is told to the old and the new address. A new
    address and unmarking make earlier mailed keys worthless. session: the administrator's. It goes on after a new
    password of their own. Raises AccountErrors for values that are not allowed, AccountError(USERNAME_TAKEN),
    AccountError(EMAIL_TAKEN), AccountError(LAST_SUPERUSER) for a change that would leave no active superuser, or none
    who may use the admin, and AccountError(SUPERUSER_PROTECTED) for an administrator who is no superuser and changes
    one.
    """
    values = changes.clean(
        user, username=username, avatar_url=avatar_url, email=email, password=password, may_be_reserved=True
    )
    new_email = values.pop("email", user.email)
    new_profile = {column: value for column, value in values.items() if value != getattr(user, column)}
    new_hash = None if password is None else passwords.make_hash(password)
    changed = bool(new_profile) or new_hash is not None or new_email != user.email
    with transaction.atomic(durable=True):
        users.protect_superusers([user.pk], context)
        # This comes first, because it locks the rows of several users.
        if is_active is False or is_superuser is False:
            users.keep_a_superuser(user)
        if is_staff is False:
            users.keep_a_superuser(user, in_admin=True)
        if new_profile:
            users.set_profile(user, new_profile)
            audit.record(EventKind.PROFILE_CHANGED, context, user=user)
        if new_hash is not None:
            passwords.put(user, to=new_hash)
            changes.password_changed(user, context, session=session)
        if new_email != user.email:
            changes.change_email(user, new_email, context, session=session)
            if not verified:
                mail.verification(user, context)
        if users.set_roles(user, is_staff=is_staff, is_superuser=is_superuser):
            roles = f"is_staff={user.is_staff} is_superuser={user.is_superuser}"
            audit.record(EventKind.ROLES_CHANGED, context, user=user, detail=roles)
            changed = True
        if groups is not None and users.set_groups(user, groups):
            audit.record(EventKind.GROUPS_CHANGED, context, user=user)
            changed = True
        if verified is not None and addresses.set_verified(user, verified):
            kind = EventKind.EMAIL_VERIFIED if verified else EventKind.EMAIL_UNVERIFIED
            audit.record(kind, context, user=user)
            changed = True
        if is_active is not None and users.set_active(user, is_active):
            audit.record(EventKind.ACTIVATED if is_active else EventKind.DEACTIVATED, context, user=user)
            if not is_active:
                these = Session.objects.filter(user=user)
                sessions.end(these, reason=EndReason.DEACTIVATED, context=context, now=clock.now())
            changed = True
    return changed


def reset_factors(*, user: User, context: ClientContext) -> bool:
    """Removes the second factors of a user, ends their sessions and tells them; False if there are no factors.

    Raises AccountError(SUPERUSER_PROTECTED) if the user is a superuser and the administrator is none.
    """
    with transaction.atomic(durable=True):
        users.protect_superusers([user.pk], context)
        if not factors.forget(user):
            return False
        audit.record(EventKind.FACTOR_REMOVED, context, user=user, detail="reset")
        mail.factor_removed(user, context)
        these = Session.objects.filter(user=user)
        sessions.end(these, reason=EndReason.FACTORS_CHANGED, context=context, now=clock.now())
    return True


def delete_user(*, user: User, context: ClientContext) -> None:
    """Deletes an account with all its rows. Its security events stay, without personal data.

    Raises AccountError(LAST_SUPERUSER) for the last active superuser, and AccountError(SUPERUSER_PROTECTED) if the user
    is a superuser and the administrator is none.
    """
    told = context
    if context.actor.user_id == user.pk:
        # If users delete their own account, its events name no person as the actor.
        told = audit.without_person(context, kind=context.actor.kind)
    with transaction.atomic(durable=True):
        users.protect_superusers([user.pk], context)
        users.keep_a_superuser(user)
        audit.record(EventKind.DELETED, told)
        personal_data.forget(user)
