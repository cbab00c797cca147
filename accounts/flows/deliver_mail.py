from concurrent.futures import ThreadPoolExecutor, as_completed

from django.db import transaction

from accounts.core import clock
from accounts.services import outbox, smtp


def deliver_mail(*, most: int, pool: ThreadPoolExecutor) -> int:
    """Sends up to `most` due messages, and answers how many it took from the outbox.

    pool: its threads speak to the mail server, so that one message that hangs does not hold up the others; the rows
    are read and settled here, each as soon as the server answered.
    """
    with transaction.atomic(durable=True):
        claimed = outbox.claim(most=most, now=clock.now())
    waiting = {
        pool.submit(smtp.send, message): message for message in claimed if outbox.is_sendable(message, now=clock.now())
    }
    for future in as_completed(waiting):
        try:
            future.result()
        except smtp.DeliveryError as error:
            outbox.settle_refused(waiting[future], str(error), permanent=error.permanent, now=clock.now())
        else:
            outbox.settle_sent(waiting[future], now=clock.now())
    return len(claimed)
