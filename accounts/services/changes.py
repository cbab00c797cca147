"""Checks new values of an account, and carries out the consequences of a new password or address."""

from datetime import datetime
from functools import partial

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountErrors
from accounts.models import Session, User
from accounts.models.security_event import EventKind
from accounts.models.session import EndReason
from accounts.models.user import canonical
from accounts.services import addresses, audit, mail, names, passwords, sessions, users


def new_user(
    username: str | None,
    email: str,
    password: str | None,
    context: ClientContext,
    *,
    now: datetime,
    may_be_reserved: bool = False,
) -> User:
    """A user that is not saved yet and has no hash yet. username: None makes one from the address.

    password: only checked here; None for an account without one. may_be_reserved: an administrator chooses the name.
    Raises AccountErrors for a username, address or password that is not allowed.
    """
    name = names.username_from(email) if username is None else username
    user = User(username=name, email=email, language=context.language, created_at=now, last_visit=now)
    for column, value in clean(
        user, username=name, email=email, password=password, may_be_reserved=may_be_reserved
    ).items():
        setattr(user, column, value)
    return user


def clean(
    user: User,
    *,
    username: str | None = None,
    avatar_url: str | None = None,
    email: str | None = None,
    password: str | None = None,
    may_be_reserved: bool = False,
) -> dict[str, str]:
    """The new values for `user` that are not None, in the form in which they are stored, by the names of their columns.

    The password is only checked, against the name and the address that the user will have then.
    may_be_reserved: an administrator chooses the name. Users may keep a reserved name that they already have.
    Raises AccountErrors with every value that is not allowed.
    """
    kept: dict[str, str] = {}
    checks = {
        "username": (names.clean_username, username),
        "avatar_url": (names.clean_avatar_url, avatar_url),
        "email": (names.clean_email, email),
    }

    def keep(column: str) -> None:
        check, value = checks[column]
        if value is not None:
            kept[column] = check(value)

    def check_username() -> None:
        username = kept.get("username")
        if username is not None and not may_be_reserved and canonical(username) != user.username_key:
            names.check_not_reserved(username)

    def check_password() -> None:
        if password is not None:
            future = User(username=kept.get("username", user.username), email=kept.get("email", user.email))
            passwords.validate(password, future)

    AccountErrors.gather(*(partial(keep, column) for column in checks), check_username, check_password)
    return kept


def password_changed(user: User, context: ClientContext, *, session: Session | None = None) -> None:
    """Ends the sessions of a user whose password was just replaced, records it and mails it.

    session: the session that asked for it. It goes on if it is the user's own.
    """
    these = Session.objects.filter(user=user)
    if session is not None:
        these = these.exclude(pk=session.pk)
    sessions.end(these, reason=EndReason.PASSWORD_CHANGED, context=context, now=clock.now())
    audit.record(EventKind.PASSWORD_CHANGED, context, user=user, session_id=session.pk if session else None)
    mail.password_changed(user, context)


def request_email_change(user: User, email: str, context: ClientContext, *, session: Session | None) -> None:
    """Mails a key to the address that `user` wants, and a notice to the present address.

    session: the session that asked for it; None if an administrator asks.

    Raises AccountError(EMAIL_TAKEN).
    """
    address_id = addresses.propose(user, email)
    audit.record(EventKind.EMAIL_CHANGE_REQUESTED, context, user=user, session_id=session.pk if session else None)
    mail.email_change_requested(user, context, address_id=address_id, to=email)


def send_export(user: User, context: ClientContext, *, session: Session | None = None, now: datetime) -> None:
    """Mails `user` a link to a copy of their data. An earlier link stops working."""
    users.note_export_asked(user, at=now)
    audit.record(EventKind.EXPORT_REQUESTED, context, user=user, session_id=session.pk if session else None)
    mail.data_export(user, context)


def close_account(
    user: User, context: ClientContext, *, due_at: datetime, session: Session | None = None, now: datetime
) -> bool:
    """Deactivates an account that is to be deleted at `due_at`, and mails its user a link that keeps it.

    Returns False if it was not active. session: the session that asked for it.
    """
    if not users.schedule_deletion(user, due_at=due_at):
        return False
    sessions.lock_user(user.pk)
    these = Session.objects.filter(user=user)
    sessions.end(these, reason=EndReason.DEACTIVATED, context=context, now=now)
    audit.record(EventKind.DELETION_REQUESTED, context, user=user, session_id=session.pk if session else None)
    mail.account_deletion(user, context)
    return True


def change_email(user: User, email: str, context: ClientContext, *, session: Session | None = None) -> None:
    """Gives `user` another address, unverified, records it and tells both addresses. Raises AccountError(EMAIL_TAKEN).

    session: the session that asked for it.
    """
    old = user.email
    was_verified = addresses.change(user, email)
    audit.record(EventKind.EMAIL_CHANGED, context, user=user, session_id=session.pk if session else None)
    mail.email_changed(user, context, old=old, old_was_verified=was_verified)
