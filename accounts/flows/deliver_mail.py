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

# How long to wait for a slow mail before the outbox is read again.
LOOK_AGAIN_SECONDS = 1.0


def deliver_mail(*, most: int, courier: Courier) -> int:
    """Sends due messages, up to `most` at a time. Returns how many it claimed or still had; 0 if none.

    It waits for the messages that it claimed, but not for slow ones while the courier has a thread for others: the next
    call goes on with those. Each message is settled as soon as the server has answered. So a worker that is killed
    leaves as few messages as possible whose outcome is unknown. If the database fails, the courier keeps its messages,
    and the next call settles them first.
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
    # After a full claim, the outbox may contain more messages.
    _settle(courier, told, patience=LOOK_AGAIN_SECONDS if len(claimed) < most - slow else 0)
    return len(claimed) + slow


def finish_mail(*, courier: Courier) -> None:
    """Waits for all messages that are being sent, and settles them."""
    _settle(courier, set(), patience=math.inf)


def _settle(courier: Courier, told: set[str], *, patience: float) -> None:
    """Settles messages as their sending ends: all of them, or until a thread is idle and `patience` is over.

    If an outcome cannot be written, it raises after writing the others. told: causes that the log contains already.
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
    """Writes each known outcome in its own transaction, and renews the claims of the other messages.

    Returns the error if an outcome could not be written.
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
    # Without the address, and without the server's text, which may repeat the address.
    facts = {"mail": message.pk, "kind": message.kind, "attempt": message.attempts + 1}
    try:
        future.result()
    except DeliveryError as error:
        said = str(error)
        outbox.settle_refused(message, said, permanent=error.permanent, now=clock.now())
        logger.info("a mail was not sent", extra={**facts, "permanent": error.permanent})
        if error.trouble and said not in told:
            # Logged once, because the cause is the same for all mails.
            logger.warning(error.trouble, extra={"error": said})
            told.add(said)
    else:
        outbox.settle_sent(message, now=clock.now())
        waited = round((clock.now() - message.created_at).total_seconds(), 1)
        logger.info("a mail was sent", extra={**facts, "waited_seconds": waited})
