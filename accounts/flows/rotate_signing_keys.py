from django.db import transaction

from accounts.core import clock
from accounts.models import SigningKey
from accounts.services import keys


def rotate_signing_keys() -> SigningKey | None:
    """Publishes the key that will sign next; None where another rotation ran at the same moment."""
    with transaction.atomic(durable=True):
        return keys.publish_next(now=clock.now())


def retire_signing_key(*, kid: str) -> bool:
    """Refuses every token that `kid` signed, at once; False for a key that is unknown or retired already."""
    with transaction.atomic(durable=True):
        retired = keys.retire(kid, now=clock.now())
    keys.forget()
    return retired
