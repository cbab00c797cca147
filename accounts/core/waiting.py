"""How work that waits lets other requests go on, without knowing the server that runs it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar

# What is entered around work that does not need the interpreter. The server's threads put in how they make room
# meanwhile (config/threads.py); elsewhere nobody has to make room.
stand_aside: ContextVar[Callable[[], AbstractContextManager[None]]] = ContextVar("stand_aside", default=nullcontext)
