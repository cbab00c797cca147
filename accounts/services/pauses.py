"""Waiting while a client waits too: without a connection to the database, and in the server without a thread."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections, connection

# Far more than an answer about a mailbox takes to make, and less than a person notices.
EVEN_SECONDS = 0.2


def pause(seconds: float) -> None:
    """Waits, and keeps no connection to the database from others meanwhile."""
    give_connection_back()
    time.sleep(seconds)


def give_connection_back() -> None:
    """Lets others have this request's connection to the database, unless it is in a transaction."""
    if not connection.in_atomic_block:
        close_old_connections()


@contextmanager
def even_time() -> Iterator[None]:
    """Lasts at least EVEN_SECONDS, so that its time does not tell whether an account is known (ASVS 6.3.8).

    For flows that answer a stranger the same for known and unknown names. It waits after their transaction.
    """
    end = time.monotonic() + EVEN_SECONDS
    try:
        yield
    finally:
        # gevent's timers begin when its loop last looked at the clock: what has computed since wakes too early.
        while (left := end - time.monotonic()) > 0:
            pause(left)
