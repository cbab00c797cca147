from collections.abc import Collection

from django.db import transaction

from accounts.core import clock
from accounts.services import outbox


def retry_mail(*, message_ids: Collection[int]) -> int:
    """Queues the dead letters among the messages again, as if they were new, and returns their number."""
    with transaction.atomic(durable=True):
        return outbox.retry(message_ids, now=clock.now())
