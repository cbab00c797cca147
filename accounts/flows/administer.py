"""What an administrator does to an account."""

from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountErrors
from accounts.models import Session, User
from accounts.models.security_event import EventKind
from accounts.models.session import EndReason
from accounts.services import audit, identity, passwords, sessions


def add_user(
    *, username: str, email: str, password: str, is_superuser: bool = False, verified: bool, context: ClientContext
) -> User:
    """Makes an account without a session and without mail; a superuser may use the admin.

    Raises AccountErrors for a username, address or password that cannot be had, AccountError(USERNAME_TAKEN) and
    AccountError(EMAIL_TAKEN).
    """
    user = User(
        username=username, email=email, language=context.language, is_staff=is_superuser, is_superuser=is_superuser
    )

    def clean_username() -> None:
        user.username = identity.clean_username(username)

    def clean_email() -> None:
        user.email = identity.clean_email(email)

    AccountErrors.gather(clean_username, clean_email, lambda: passwords.validate(password, user))
    user.password = passwords.make_hash(password)
    with transaction.atomic(durable=True):
        identity.add(user, verified=verified)
        audit.record(EventKind.REGISTERED, context, user=user)
    return user


def change_user(
    *,
    user: User,
    username: str | None = None,
    avatar_url: str | None = None,
    is_active: bool | None = None,
    is_staff: bool | None = None,
    is_superuser: bool | None = None,
    verified: bool | None = None,
    context: ClientContext,
) -> None:
    """Sets what is not None; deactivating ends the sessions, unmarking the address kills the keys mailed before.

    Raises AccountErrors for a username or avatar that cannot be had and AccountError(USERNAME_TAKEN).
    """
    cleaned = {"username": user.username, "avatar_url": user.avatar_url}

    def clean_username() -> None:
        if username is not None:
            cleaned["username"] = identity.clean_username(username)

    def clean_avatar_url() -> None:
        if avatar_url is not None:
            cleaned["avatar_url"] = identity.clean_avatar_url(avatar_url)

    AccountErrors.gather(clean_username, clean_avatar_url)
    with transaction.atomic(durable=True):
        if cleaned != {"username": user.username, "avatar_url": user.avatar_url}:
            identity.rename(user, **cleaned)
            audit.record(EventKind.PROFILE_CHANGED, context, user=user)
        if identity.set_roles(user, is_staff=is_staff, is_superuser=is_superuser):
            roles = f"is_staff={user.is_staff} is_superuser={user.is_superuser}"
            audit.record(EventKind.ROLES_CHANGED, context, user=user, detail=roles)
        if verified is not None and identity.set_verified(user, verified):
            kind = EventKind.EMAIL_VERIFIED if verified else EventKind.EMAIL_UNVERIFIED
            audit.record(kind, context, user=user)
        if is_active is not None and identity.set_active(user, is_active):
            audit.record(EventKind.ACTIVATED if is_active else EventKind.DEACTIVATED, context, user=user)
            if not is_active:
                these = Session.objects.filter(user=user)
                sessions.end(these, reason=EndReason.DEACTIVATED, context=context, now=clock.now())


def delete_user(*, user: User, context: ClientContext) -> None:
    """Deletes an account with everything of its own; its security events stay, without personal data."""
    with transaction.atomic(durable=True):
        audit.forget_person(user)
        audit.record(EventKind.DELETED, context)
        user.delete()
