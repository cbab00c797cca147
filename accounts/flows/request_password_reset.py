from django.db import transaction

from accounts.core.context import ClientContext
from accounts.models.security_event import EventKind
from accounts.services import audit, idempotency, limits, mail, names, pauses, users


@pauses.answers_evenly
def request_password_reset(*, email: str, context: ClientContext) -> bool:
    """Mails a reset link to `email` if it belongs to an active account; the same work if not.

    Returns whether it does. Only administrators may learn that. Raises AccountError(RATE_LIMITED), the same for known
    and unknown addresses.
    """
    mails = limits.by_mailbox(names.lookup_key(email), context)
    limits.take(*limits.by_place(limits.RESETS_PER_IP, context), *mails)
    user = users.find_by_email(email)
    if user is not None and not user.is_active:
        user = None
    with transaction.atomic(durable=True):
        audit.record(EventKind.PASSWORD_RESET_REQUESTED, context, user=user)
        mail.password_reset(user, context)
        idempotency.note(context)
    return user is not None
