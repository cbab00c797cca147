"""What the rest of the product knows of the worker that serves. The server (config/) sets these values."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class RunApart(Protocol):
    """Runs call(*args), and returns its result."""

    def __call__(self, call: Callable[..., T], args: tuple[Any, ...], /) -> T: ...


def _run_here(call: Callable[..., T], args: tuple[Any, ...], /) -> T:
    return call(*args)


# Runs a long computation so that other requests go on meanwhile.
run_apart: RunApart = _run_here
# Whether the worker was told to stop. It then finishes its present requests and takes no new ones.
is_stopping = False
