from django.db import transaction

from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models.security_event import EventKind
from accounts.services import audit, identity


def verify_email(*, key: str, context: ClientContext) -> None:
    """Marks the address that `key` was mailed to as verified.

    Raises AccountError(INVALID_VERIFICATION_KEY) for a key that is wrong, used, past its time, or of an address that
    its user no longer has.
    """
    with transaction.atomic(durable=True):
        user = identity.spend_key(key)
        if user is None:
            raise AccountError(ErrorCode.INVALID_VERIFICATION_KEY)
        audit.record(EventKind.EMAIL_VERIFIED, context, user=user)
