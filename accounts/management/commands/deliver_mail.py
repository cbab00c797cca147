import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error, connections

from accounts.flows.deliver_mail import deliver_mail, finish_mail
from accounts.management import chores
from accounts.services.smtp import Courier

logger = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
# The longest pause while the database fails. Pauses begin with IDLE_SECONDS and double.
LONGEST_PAUSE_SECONDS = 8.0
AT_ONCE = 4
# The most messages that a worker has claimed. The next claim fills up the number as soon as a thread is idle.
CLAIMED = 16


class Command(BaseCommand):
    help = (
        "Sends the mail that is due, counts what happens for the admin, and removes every hour what is past its time, "
        "until it is stopped; "
        "--once sends what is due now and ends."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="send the mail that is due now, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        with Courier(AT_ONCE) as courier:
            if options["once"]:
                while deliver_mail(most=CLAIMED, courier=courier):
                    pass
            else:
                deliver_until_stopped(courier)


def deliver_until_stopped(courier: Courier) -> None:
    stop = stop_event()
    jobs = chores.start(stop)
    pause_of_failure = IDLE_SECONDS
    while not stop.is_set():
        try:
            pause = 0.0 if deliver_mail(most=CLAIMED, courier=courier) else IDLE_SECONDS
            pause_of_failure = IDLE_SECONDS
        except Error as error:
            # The server is away, starting or read-only, or its tables do not exist yet. All this may pass.
            pause, pause_of_failure = pause_of_failure, min(pause_of_failure * 2, LONGEST_PAUSE_SECONDS)
            logger.warning(
                "the database failed; trying again", extra={"error": chores.said(error), "pause_seconds": pause}
            )
            connections.close_all()
        if pause:
            courier.hang_up()
            stop.wait(pause)
    try:
        finish_mail(courier=courier)
    except Error as error:
        # Another worker sends these messages again when their claims have run out.
        lost = {"error": chores.said(error), "mails": len(courier.unsettled)}
        logger.warning("the database failed; what was sent last may be sent again", extra=lost)
    chores.finish(jobs)


def stop_event() -> threading.Event:
    """An event that is set as soon as SIGTERM or SIGINT comes.

    A thread waits for the signals. A signal handler must not set an Event: it can interrupt the Event's wait() while
    that holds the lock that set() needs, and then both wait forever.
    """
    stop = threading.Event()
    signals = (signal.SIGTERM, signal.SIGINT)

    def wait() -> None:
        signal.sigwait(signals)
        stop.set()

    # The signals are blocked in this thread and the threads that it starts, so that sigwait() gets them.
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    threading.Thread(target=wait, daemon=True).start()
    return stop
