import logging
import math
import time
from concurrent.futures import Future

from django.db import transaction

from accounts.core import clock
from accounts.models import Message
from accounts.services import outbox
from accounts.services.smtp import Courier, DeliveryError

logger = logging.getLogger(__name__)

# How long to look for the end of a slow mail before the outbox is looked into again.
LOOK_AGAIN_SECONDS = 1.0


def deliver_mail(*, most: int, courier: Courier) -> int:
    """Sends due messages, up to `most` at a time, and answers how many it took or had from before; 0 if none.

    It waits for those that it took, but not for slow ones while the courier has a thread for others: the next call
    goes on with them. Each is settled as soon as the server has answered, so that a worker which is killed leaves as
    few as can be whose fate nobody knows. When the database fails, the courier still knows what it was given: the next
    call settles that first.
    """
    told: set[str] = set()
    _settle(courier, told, patience=0)
    slow = len(courier.unsettled)
    with transaction.atomic(durable=True):
        claimed = outbox.claim(most=most - slow, now=clock.now())
        sendable = [message for message in claimed if outbox.is_sendable(message, now=clock.now())]
    for message in sendable:
        courier.send(message)
    if not claimed:
        courier.hang_up()
    # A full claim may have left others in the outbox.
    _settle(courier, told, patience=LOOK_AGAIN_SECONDS if len(claimed) < most - slow else 0)
    return len(claimed) + slow


def finish_mail(*, courier: Courier) -> None:
    """Waits for all that is under way, and settles it."""
    _settle(courier, set(), patience=math.inf)


def _settle(courier: Courier, told: set[str], *, patience: float) -> None:
    """Settles what is under way, as it ends: all of it, or what ends until a thread is idle and `patience` is over.

    Where an outcome cannot be written, raises after the others are. told: what the log has been told already.
    """
    until = time.monotonic() + patience
    while True:
        under_way = courier.under_way()
        failure = _look_after(courier, told)
        if not under_way or (under_way < courier.at_once and time.monotonic() >= until):
            break
        courier.wait(LOOK_AGAIN_SECONDS)
    if failure:
        raise failure


def _look_after(courier: Courier, told: set[str]) -> Exception | None:
    """Writes down the outcome of each that has one, by itself, and renews the claims of the others.

    Answers why something could not be written.
    """
    failures: list[Exception] = []
    for future, message in list(courier.unsettled.items()):
        try:
            if not future.done():
                outbox.renew(message, now=clock.now())
                continue
            _write_down(message, future, told)
            del courier.unsettled[future]
        except Exception as failure:
            failures.append(failure)
    return failures[0] if failures else None


def _write_down(message: Message, future: Future[None], told: set[str]) -> None:
    # No address and no text of the server's, which may repeat the address.
    facts = {"mail": message.pk, "kind": message.kind, "attempt": message.attempts + 1}
    try:
        future.result()
    except DeliveryError as error:
        said = str(error)
        outbox.settle_refused(message, said, permanent=error.permanent, now=clock.now())
        logger.info("a mail was not sent", extra={**facts, "permanent": error.permanent})
        if error.trouble and said not in told:
            # Once for all mail: the trouble is the same for each.
            logger.warning(error.trouble, extra={"error": said})
            told.add(said)
    else:
        outbox.settle_sent(message, now=clock.now())
        waited = round((clock.now() - message.created_at).total_seconds(), 1)
        logger.info("a mail was sent", extra={**facts, "waited_seconds": waited})
