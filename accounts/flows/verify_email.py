from django.db import transaction

from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import User
from accounts.models.security_event import EventKind
from accounts.services import audit, idempotency, limits, links, mail


def verify_email(*, key: str, context: ClientContext) -> User:
    """Verifies the address that `key` was mailed to, or gives it to the user who wanted it; returns the user.

    Raises AccountError(EMAIL_ALREADY_VERIFIED) for a key whose address is verified,
    AccountError(INVALID_VERIFICATION_KEY) for a key that is wrong, expired, or of an address that its user no longer
    has, AccountError(EMAIL_TAKEN) if another account has the address now, and AccountError(RATE_LIMITED).
    """
    tries = limits.by_place(limits.WRONG_KEYS_PER_IP, context)
    limits.take(*tries)
    with transaction.atomic(durable=True):
        if changed := links.spend_change_key(key):
            user = changed.user
            audit.record(EventKind.EMAIL_CHANGED, context.by_user(user.pk), user=user)
            mail.email_changed(user, context.by_user(user.pk), old=changed.old, old_was_verified=changed.was_verified)
        elif verified := links.spend_key(key):
            user = verified
        else:
            is_spent = links.is_spent(key)
            raise AccountError(ErrorCode.EMAIL_ALREADY_VERIFIED if is_spent else ErrorCode.INVALID_VERIFICATION_KEY)
        audit.record(EventKind.EMAIL_VERIFIED, context.by_user(user.pk), user=user)
        idempotency.note(context)
    limits.give_back(*tries)
    return user
