from django.db import transaction

from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session, User
from accounts.models.security_event import EventKind
from accounts.services import audit, changes, passwords, users


def change_password(
    *, user: User, session: Session | None, old_password: str, new_password: str, context: ClientContext
) -> None:
    """Sets a new password for `user`, and ends every session of theirs.

    session: the one it is asked from, which goes on; None for the admin, which has none of these.
    Raises AccountError(WRONG_PASSWORD), AccountError(PASSWORD_INVALID), AccountError(RATE_LIMITED) and
    AccountError(OVERLOADED).
    """
    is_correct = passwords.prove(old_password, user, counted_as=users.counted_as(user)).correct
    if is_correct:
        passwords.validate(new_password, user)
        new_hash = passwords.make_hash(new_password)
    with transaction.atomic(durable=True):
        # Somebody who replaced the password meanwhile made the old one wrong.
        changed = is_correct and passwords.swap(user, to=new_hash)
        if changed:
            changes.password_changed(user, context, session=session)
        else:
            audit.record(
                EventKind.PASSWORD_CHANGE_FAILED, context, user=user, session_id=session.pk if session else None
            )
    if not changed:
        raise AccountError(ErrorCode.WRONG_PASSWORD)
