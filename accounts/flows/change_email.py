from contextlib import nullcontext

from django.db import transaction

from accounts.core import clock
from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session
from accounts.services import changes, idempotency, limits, mail, names, pauses, sessions, users


def request_email_change(*, session: Session, email: str, context: ClientContext) -> None:
    """Mails a key to the address that the user of `session` wants, and a notice to the present address.

    The address changes only when verify_email() gets the key. Raises AccountError(EMAIL_INVALID),
    AccountError(REAUTHENTICATION_REQUIRED), AccountError(RATE_LIMITED), and AccountError(EMAIL_TAKEN) if verification
    is optional. If it is mandatory, a taken address is not revealed, as at registration: its owner gets a mail.
    """
    sessions.check_recent(session, now=clock.now())
    email = names.clean_email(email)
    mails = limits.by_mailbox(names.lookup_key(email), context)
    limits.take(*mails)
    evenly = pauses.even_time() if conf.verification_is_mandatory else nullcontext()
    with evenly, limits.given_back_after_a_refusal(*mails), transaction.atomic(durable=True):
        sessions.lock_user(session.user_id)
        try:
            changes.request_email_change(session.user, email, context, session=session)
        except AccountError as refusal:
            if refusal.code is not ErrorCode.EMAIL_TAKEN or not conf.verification_is_mandatory:
                raise
            owner = users.find_by_email(email)
            if owner is not None and owner.pk != session.user_id:
                mail.registration_attempt(owner, context)
        idempotency.note(context)
