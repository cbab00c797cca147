"""How work that computes for long lets other requests go on, without knowing the server that runs it."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class RunApart(Protocol):
    """Runs call(*args), and answers what it answers."""

    def __call__(self, call: Callable[..., T], args: tuple[Any, ...], /) -> T: ...


def _run_here(call: Callable[..., T], args: tuple[Any, ...], /) -> T:
    return call(*args)


# The server puts in how it does so without holding up its other requests (config/gunicorn.py).
run_apart: RunApart = _run_here
