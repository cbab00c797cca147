from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session
from accounts.models.security_event import EventKind
from accounts.models.session import EndReason
from accounts.services import addresses, audit, factors, identities, limits, links, mail, passwords, sessions


def report_not_me(*, key: str, context: ClientContext) -> None:
    """Carries out "this was not me" of a security notice: ends every session, and starts a reset.

    It removes second factors and connected providers that were added after the notice was mailed.

    The password stops working, because the thief may know it, and the account gets the address back that the notice
    went to. If another account has that address now, the account stays locked until an administrator helps: a reset
    mail would go to the thief. Raises AccountError(INVALID_NOTICE_KEY) for a key that is wrong, used or expired, and
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
        # The thief may have added a factor to keep the owner out.
        if factors.forget(user, since=user.disowned_from):
            audit.record(EventKind.FACTOR_REMOVED, context, user=user, detail="disowned")
        if identities.forget(user, since=user.disowned_from):
            audit.record(EventKind.IDENTITY_REMOVED, context, user=user, detail="disowned")
        if addresses.restore(user, address):
            mail.password_reset(user, context)
    limits.give_back(*tries)
