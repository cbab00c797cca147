from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session
from accounts.models.security_event import EventKind
from accounts.models.session import EndReason
from accounts.services import audit, identity, mail, passwords, sessions


def disown(*, key: str, context: ClientContext) -> None:
    """What "this was not me" in a security notice does: ends every session, and starts a reset.

    The password stops working, because whoever did it may know it. That also spends `key`, which is bound to the hash.
    Raises AccountError(INVALID_NOTICE_KEY) for a key that is wrong, used or past its time.
    """
    user = identity.read_notice_key(key)
    if user is None:
        raise AccountError(ErrorCode.INVALID_NOTICE_KEY)
    with transaction.atomic(durable=True):
        if not passwords.swap(user, to=passwords.make_unusable()):
            raise AccountError(ErrorCode.INVALID_NOTICE_KEY)
        these = Session.objects.filter(user=user)
        sessions.end(these, reason=EndReason.DISOWNED, context=context, now=clock.now())
        audit.record(EventKind.DISOWNED, context, user=user)
        mail.password_reset(user, context)
