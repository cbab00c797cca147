from collections.abc import Collection

from django.db import transaction

from accounts.core import clock
from accounts.services import outbox


def retry_mail(*, message_ids: Collection[int]) -> int:
    """Queues those of the messages that are dead letters again, as if they were new, and answers how many."""
    with transaction.atomic(durable=True):
        return outbox.retry(message_ids, now=clock.now())
