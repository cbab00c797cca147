"""The worker that serves, as the rest of the product knows it; the server sets what is here (config/)."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class RunApart(Protocol):
    """Runs call(*args), and answers what it answers."""

    def __call__(self, call: Callable[..., T], args: tuple[Any, ...], /) -> T: ...


def _run_here(call: Callable[..., T], args: tuple[Any, ...], /) -> T:
    return call(*args)


# How work that computes for long lets other requests go on.
run_apart: RunApart = _run_here
# Whether the worker was told to stop: it answers what it has, and wants no more.
is_stopping = False
