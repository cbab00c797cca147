import logging
from concurrent.futures import as_completed
from functools import partial

from django.db import transaction

from accounts.core import clock
from accounts.services import outbox
from accounts.services.smtp import Courier, DeliveryError

logger = logging.getLogger(__name__)


def deliver_mail(*, most: int, courier: Courier) -> int:
    """Sends up to `most` due messages, and answers how many it took from the outbox.

    Each is settled as soon as the server has answered, so that a worker which is killed leaves as few as can be whose
    fate nobody knows. When the database fails, the courier still knows what it was given: the next call settles that
    first.
    """
    _settle_what_was_sent(courier)
    with transaction.atomic(durable=True):
        claimed = outbox.claim(most=most, now=clock.now())
        sendable = [message for message in claimed if outbox.is_sendable(message, now=clock.now())]
    for message in sendable:
        courier.send(message)
    _settle_what_was_sent(courier)
    return len(claimed)


def _settle_what_was_sent(courier: Courier) -> None:
    """Writes down the outcome of each by itself; if one cannot be written, raises after the others are."""
    troubles: set[tuple[str, str]] = set()
    failures: list[Exception] = []
    for future in as_completed(list(courier.unsettled)):
        message = courier.unsettled[future]
        try:
            future.result()
        except DeliveryError as error:
            settle = partial(outbox.settle_refused, message, str(error), permanent=error.permanent)
            if error.trouble:
                troubles.add((error.trouble, str(error)))
        else:
            settle = partial(outbox.settle_sent, message)
        try:
            settle(now=clock.now())
        except Exception as failure:
            failures.append(failure)
        else:
            del courier.unsettled[future]
    for trouble, said in sorted(troubles):
        # Once for all of them: the trouble is the same for each.
        logger.warning(trouble, extra={"error": said})
    if failures:
        raise failures[0]
