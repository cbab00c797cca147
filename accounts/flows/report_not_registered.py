from django.db import transaction

from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models.security_event import EventKind
from accounts.services import audit, limits, links, outbox


def report_not_registered(*, key: str, context: ClientContext) -> None:
    """Carries out "I did not register" of a verification mail: deletes the account, so that the address is free.

    It works until somebody has proved to read a mailbox of the account, and not for staff. Raises
    AccountError(INVALID_NOTICE_KEY) for a key that is wrong, used or expired, and AccountError(RATE_LIMITED).
    """
    tries = limits.by_place(limits.WRONG_KEYS_PER_IP, context)
    limits.take(*tries)
    with transaction.atomic(durable=True):
        user = links.user_not_registered(key)
        if user is None:
            raise AccountError(ErrorCode.INVALID_NOTICE_KEY)
        audit.forget_person(user)
        audit.record(EventKind.NOT_REGISTERED, context)
        outbox.forget(user)
        user.delete()
    limits.give_back(*tries)
