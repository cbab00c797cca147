from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session
from accounts.models.security_event import EventKind
from accounts.models.session import EndReason
from accounts.services import addresses, audit, factors, identities, limits, links, mail, passwords, sessions


def report_not_me(*, key: str, context: ClientContext) -> None:
    """What "this was not me" in a security notice does: ends every session, and starts a reset.

    Second factors and logins with other providers that were added since the notice was mailed are removed.

    The password stops working, because whoever did it may know it, and the address that the notice went to is the
    account's again. If another account has taken that address by now the account stays locked for an administrator:
    a reset mail would go to whoever did it.
    Raises AccountError(INVALID_NOTICE_KEY) for a key that is wrong, used or past its time, and
    AccountError(RATE_LIMITED).
    """
    tries = limits.by_place(limits.WRONG_KEYS_PER_IP, context)
    limits.take(*tries)
    with transaction.atomic(durable=True):
        spent = links.spend_notice_key(key, password=passwords.make_unusable())
        if spent is None:
            raise AccountError(ErrorCode.INVALID_NOTICE_KEY)
        user, address = spent
        context = context.by_user(user.pk)
        these = Session.objects.filter(user=user)
        sessions.end(these, reason=EndReason.DISOWNED, context=context, now=clock.now())
        audit.record(EventKind.DISOWNED, context, user=user)
        # Whoever did it may have added a factor, so that the owner does not get in again.
        if factors.forget(user, since=user.disowned_from):
            audit.record(EventKind.FACTOR_REMOVED, context, user=user, detail="disowned")
        if identities.forget(user, since=user.disowned_from):
            audit.record(EventKind.IDENTITY_REMOVED, context, user=user, detail="disowned")
        if addresses.restore(user, address):
            mail.password_reset(user, context)
    limits.give_back(*tries)
