import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import InterfaceError, OperationalError, close_old_connections

from accounts.flows.deliver_mail import deliver_mail
from accounts.services.smtp import Courier

logger = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
AT_ONCE = 4
# Every message of a claim is tried well within outbox.CLAIM, even where each of them hangs until EMAIL_TIMEOUT.
CLAIMED = 16


class Command(BaseCommand):
    help = "Sends the mail that is due, until it is stopped; --once sends what is due now and ends."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="send what is due now and end")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        if not options["once"]:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
        with Courier(AT_ONCE) as courier:
            while not stop.is_set():
                try:
                    taken = deliver_mail(most=CLAIMED, courier=courier)
                except (InterfaceError, OperationalError):
                    if options["once"]:
                        raise
                    logger.exception("the database does not answer; trying again")
                    taken = 0
                    close_old_connections()
                if taken:
                    continue
                if options["once"]:
                    return
                courier.hang_up()
                stop.wait(IDLE_SECONDS)
