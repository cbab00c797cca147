"""Waiting while a client waits too: without a connection to the database, and in the server without a thread."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import close_old_connections, connection

# Far more than an answer about a mailbox takes to make, and less than a person notices.
EVEN_SECONDS = 0.2
P = ParamSpec("P")
R = TypeVar("R")


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
    """Lasts at least EVEN_SECONDS, so that its time does not tell whether an account is known (ASVS 6.3.8)."""
    end = time.monotonic() + EVEN_SECONDS
    try:
        yield
    finally:
        # gevent's timers begin when its loop last looked at the clock: what has computed since wakes too early.
        while (left := end - time.monotonic()) > 0:
            pause(left)


def answers_evenly(flow: Callable[P, R]) -> Callable[P, R]:
    """Wraps a flow that answers a stranger the same for known and unknown names: it lasts even_time().

    It waits after the flow's transaction. Who is trusted, and may do it for many accounts, does not wait.
    """

    @wraps(flow)
    def evenly(*args: P.args, **kwargs: P.kwargs) -> R:
        context: Any = kwargs["context"]
        if context.is_trusted:
            return flow(*args, **kwargs)
        with even_time():
            return flow(*args, **kwargs)

    return evenly
