from concurrent.futures import as_completed

from django.db import transaction

from accounts.core import clock
from accounts.services import outbox
from accounts.services.smtp import Courier, DeliveryError


def deliver_mail(*, most: int, courier: Courier) -> int:
    """Sends up to `most` due messages, and answers how many it took from the outbox.

    Each is settled as soon as the server has answered, so that a worker which is killed leaves as few as can be whose
    fate nobody knows.
    """
    with transaction.atomic(durable=True):
        claimed = outbox.claim(most=most, now=clock.now())
    under_way = {courier.send(message): message for message in claimed if outbox.is_sendable(message, now=clock.now())}
    for future in as_completed(under_way):
        message = under_way[future]
        try:
            future.result()
        except DeliveryError as error:
            outbox.settle_refused(message, str(error), permanent=error.permanent, now=clock.now())
        else:
            outbox.settle_sent(message, now=clock.now())
    return len(claimed)
