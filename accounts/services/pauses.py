"""Pauses before an answer, without a database connection and, in the server, without a thread."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import close_old_connections, connection

# Much longer than the work for an answer about a mailbox, and too short for a person to notice.
EVEN_SECONDS = 0.2
P = ParamSpec("P")
R = TypeVar("R")


def pause(seconds: float) -> None:
    """Waits without holding a database connection."""
    give_connection_back()
    time.sleep(seconds)


def pause_until(end: float) -> None:
    """Waits until time.monotonic() is `end`."""
    # gevent's timers start at the loop's last look at the clock, so after a computation they wake too early.
    while (left := end - time.monotonic()) > 0:
        pause(left)


def give_connection_back() -> None:
    """Gives this request's database connection back, unless it is in a transaction."""
    if not connection.in_atomic_block:
        close_old_connections()


@contextmanager
def even_time() -> Iterator[None]:
    """Lasts at least EVEN_SECONDS, so that the time does not reveal whether an account exists (ASVS 6.3.8)."""
    end = time.monotonic() + EVEN_SECONDS
    try:
        yield
    finally:
        pause_until(end)


def answers_evenly(flow: Callable[P, R]) -> Callable[P, R]:
    """Wraps a flow in even_time() that gives strangers the same answer for known and unknown names.

    It waits after the flow's transaction. Trusted clients, who may act on many accounts, do not wait.
    """

    @wraps(flow)
    def evenly(*args: P.args, **kwargs: P.kwargs) -> R:
        context: Any = kwargs["context"]
        if context.is_trusted:
            return flow(*args, **kwargs)
        with even_time():
            return flow(*args, **kwargs)

    return evenly
