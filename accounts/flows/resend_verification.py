from django.db import transaction

from accounts.core.context import ClientContext
from accounts.models.security_event import EventKind
from accounts.services import audit, idempotency, limits, mail, names, pauses, users


@pauses.answers_evenly
def resend_verification(*, email: str, context: ClientContext) -> bool:
    """Mails a verification key to `email` if an active account waits for it; the same work if not.

    Returns whether one does. Only administrators may learn that. Raises AccountError(RATE_LIMITED), the same for known
    and unknown addresses.
    """
    mails = limits.by_mailbox(names.lookup_key(email), context)
    limits.take(*limits.by_place(limits.RESENDS_PER_IP, context), *mails)
    user = users.find_by_email(email)
    if user is not None and (user.email_verified or not user.is_active):
        user = None
    with transaction.atomic(durable=True):
        audit.record(EventKind.VERIFICATION_REQUESTED, context, user=user)
        mail.verification(user, context)
        idempotency.note(context)
    return user is not None
