from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import User
from accounts.models.security_event import EventKind
from accounts.services import audit, passwords, users


def log_in_to_admin(*, name: str, password: str, context: ClientContext) -> User:
    """The staff user that `name`, a username or an address, and the password mean; Django keeps the admin's session.

    Raises AccountError(INVALID_CREDENTIALS), the same and at the same cost for an unknown name, a wrong password, an
    inactive account and one that is not of the staff, AccountError(RATE_LIMITED) and AccountError(OVERLOADED).
    """
    user = users.find(name)
    verdict = passwords.prove(password, user, counted_as=users.counted_as(user, name))
    let_in = False
    with transaction.atomic(durable=True):
        if user is not None and user.is_active and user.is_staff and verdict.correct:
            # The password must still be the one that was verified: nobody comes in after the reset that ended all.
            let_in = passwords.swap(user, to=verdict.hash, last_visit=clock.now())
        if let_in:
            audit.record(EventKind.LOGGED_IN, context, user=user)
        else:
            audit.record(EventKind.LOGIN_FAILED, context, user=user, detail=ErrorCode.INVALID_CREDENTIALS)
    if user is None or not let_in:
        raise AccountError(ErrorCode.INVALID_CREDENTIALS)
    return user
