"""An administrator helps a user."""

from django.db import transaction

from accounts.core import clock
from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.models import Note, User
from accounts.models.security_event import EventKind
from accounts.services import audit, changes, locks, mail, users


def correct_email(*, user: User, email: str, is_confirmed: bool, context: ClientContext) -> None:
    """Gives `user` another address, unverified, and tells both addresses.

    is_confirmed: the address counts only after the new mailbox has confirmed it with a mailed key. Raises
    AccountError(EMAIL_INVALID), AccountError(EMAIL_TAKEN), also for another spelling of the present address, and
    AccountError(SUPERUSER_PROTECTED) if the user is a superuser or another administrator and the administrator is no
    superuser: the mailbox gives access to the account.
    """
    email = changes.clean(user, email=email)["email"]
    with transaction.atomic(durable=True):
        users.protect_superusers([user.pk], context)
        users.protect_staff(user, context)
        if is_confirmed:
            changes.request_email_change(user, email, context, session=None)
        else:
            changes.change_email(user, email, context)
            mail.verification(user, context)


def send_export(*, user: User, context: ClientContext) -> bool:
    """Mails `user` a link to a copy of their data.

    Returns False for an unverified address, and for an account that is not active. Raises
    AccountError(SUPERUSER_PROTECTED) for an administrator who does it to a superuser and is none.
    """
    with transaction.atomic(durable=True):
        users.protect_superusers([user.pk], context)
        if not (user.is_active and user.email_verified):
            return False
        changes.send_export(user, context, now=clock.now())
    return True


def close_account(*, user: User, context: ClientContext) -> bool:
    """Deactivates an account that is deleted after DELETION_GRACE_DAYS, and mails its user a link that keeps it.

    Returns False if it is not active. Raises AccountError(LAST_SUPERUSER) and AccountError(SUPERUSER_PROTECTED).
    """
    now = clock.now()
    with transaction.atomic(durable=True):
        users.protect_superusers([user.pk], context)
        users.keep_a_superuser(user)
        return changes.close_account(user, context, due_at=now + conf.deletion_grace, now=now)


def unlock_user(*, user: User, context: ClientContext) -> bool:
    """Sets the counts of wrong passwords and codes of `user` to zero; False if nothing locked the user out.

    Raises AccountError(SUPERUSER_PROTECTED) for an administrator who does it to a superuser and is none.
    """
    users.protect_superusers([user.pk], context)
    was_locked = bool(locks.of(user))
    with transaction.atomic(durable=True):
        audit.record(EventKind.UNLOCKED, context, user=user)
    # The event is committed first, because the counts are not part of the transaction.
    locks.open_all(user)
    return was_locked


def add_note(*, user: User, text: str, context: ClientContext) -> None:
    """Stores a note about `user` for administrators.

    text: 1 to 2000 characters. Raises AccountError(SUPERUSER_PROTECTED) for an administrator who does it to a superuser
    and is none.
    """
    with transaction.atomic(durable=True):
        users.protect_superusers([user.pk], context)
        Note.objects.create(user=user, author_id=context.actor.user_id, text=text)
        audit.record(EventKind.NOTE_ADDED, context, user=user)
