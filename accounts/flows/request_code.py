from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.models import VerificationCode
from accounts.models.security_event import EventKind
from accounts.services import audit, codes, limits, mail, names, pauses, users


@pauses.answers_evenly
def request_code(*, email: str, context: ClientContext) -> None:
    """Mails a code to `email`, with or without an account of this address, at the same cost.

    Raises AccountError(EMAIL_INVALID) and AccountError(RATE_LIMITED) (contract, Durudex).
    """
    email = names.clean_email(email)
    mails = limits.by_mailbox(names.lookup_key(email), context)
    limits.take(*limits.by_place(limits.CODES_PER_IP, context), *mails)
    user = users.find_by_email(email)
    with transaction.atomic(durable=True):
        code = codes.issue(VerificationCode, email, now=clock.now())
        audit.record(EventKind.CODE_REQUESTED, context, user=user)
        # The mail goes to the address as its owner wrote it: for a mail server, two spellings may be two addresses.
        mail.verification_code(user, user.email if user else email, code, context)
