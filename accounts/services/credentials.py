"""A new password or address: whether it can be had, and all that follows from it."""

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.models import Session, User
from accounts.models.security_event import EventKind
from accounts.models.session import EndReason
from accounts.services import audit, identity, mail, passwords, sessions


def clean_email(wanted: User, email: str | None) -> None:
    """Gives `wanted`, what a user is to be, the address if there is one. Raises AccountError(EMAIL_INVALID)."""
    if email is not None:
        wanted.email = identity.clean_email(email)


def check_password(wanted: User, password: str | None) -> None:
    """Raises AccountError(PASSWORD_INVALID) for a password that `wanted`, what a user is to be, may not have."""
    if password is not None:
        passwords.validate(password, wanted)


def password_changed(user: User, context: ClientContext, *, session: Session | None = None) -> None:
    """Ends the sessions of a user whose password was just replaced, records it and mails it.

    session: the one it was asked from, which goes on if it is the user's own.
    """
    these = Session.objects.filter(user=user)
    if session is not None:
        these = these.exclude(pk=session.pk)
    sessions.end(these, reason=EndReason.PASSWORD_CHANGED, context=context, now=clock.now())
    audit.record(EventKind.PASSWORD_CHANGED, context, user=user, session_id=session.pk if session else None)
    mail.password_changed(user, context)


def change_email(user: User, email: str, context: ClientContext, *, session: Session | None = None) -> None:
    """Gives `user` another address, unverified, records it and tells both addresses. Raises AccountError(EMAIL_TAKEN).

    session: the one it is asked from.
    """
    old = user.email
    identity.change_email(user, email)
    audit.record(EventKind.EMAIL_CHANGED, context, user=user, session_id=session.pk if session else None)
    mail.email_changed(user, context, old=old)
