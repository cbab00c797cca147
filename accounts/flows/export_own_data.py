from collections.abc import Iterable, Mapping

from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session
from accounts.models.security_event import EventKind
from accounts.services import audit, changes, idempotency, limits, links, personal_data, sessions


def request_export(*, session: Session, context: ClientContext) -> None:
    """Mails the user of `session` a link to a copy of their data, which works once and for a day.

    An earlier link stops working. Raises AccountError(REAUTHENTICATION_REQUIRED), AccountError(EMAIL_NOT_VERIFIED) for
    an unverified address, and AccountError(RATE_LIMITED).
    """
    now = clock.now()
    sessions.check_recent(session, now=now)
    user = session.user
    if not user.email_verified:
        raise AccountError(ErrorCode.EMAIL_NOT_VERIFIED)
    limits.take(*limits.by_mailbox(user.email_key, context))
    with transaction.atomic(durable=True):
        changes.send_export(user, context, session=session, now=now)
        idempotency.note(context)


def fetch_export(*, key: str, context: ClientContext) -> Iterable[tuple[str, Iterable[Mapping[str, object]]]]:
    """Spends `key`, and returns the data of its user: the name and the rows of each section.

    Raises AccountError(INVALID_NOTICE_KEY) for a key that is wrong, used or expired, and AccountError(RATE_LIMITED).
    """
    tries = limits.by_place(limits.WRONG_KEYS_PER_IP, context)
    limits.take(*tries)
    with transaction.atomic(durable=True):
        user = links.spend_export_key(key)
        if user is None:
            raise AccountError(ErrorCode.INVALID_NOTICE_KEY)
        audit.record(EventKind.EXPORTED, context.by_user(user.pk), user=user)
    limits.give_back(*tries)
    return personal_data.export(user)
