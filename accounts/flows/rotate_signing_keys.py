from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.models import SigningKey
from accounts.models.security_event import EventKind
from accounts.services import audit, keys


def rotate_signing_keys(*, context: ClientContext) -> SigningKey | None:
    """Publishes the key that will sign next; None if another rotation ran at the same moment."""
    with transaction.atomic(durable=True):
        key = keys.publish_next(now=clock.now())
        if key is not None:
            audit.record(EventKind.SIGNING_KEY_ROTATED, context, detail=key.kid)
    return key


def retire_signing_key(*, kid: str, context: ClientContext) -> bool:
    """Makes every token of the key `kid` invalid at once; False for a key that is unknown or retired already."""
    with transaction.atomic(durable=True):
        retired = keys.retire(kid, now=clock.now())
        if retired:
            audit.record(EventKind.SIGNING_KEY_RETIRED, context, detail=kid)
    keys.forget()
    return retired
