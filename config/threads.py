"""The threads that serve requests, and how one of them makes room for others.

A few running threads serve the most: more take the interpreter from one another. A thread that hashes a password, or
waits for its turn to, does without the interpreter; were it counted as running, a few people who log in would keep
everybody waiting who only shows a token.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from typing import Any

from accounts.core.waiting import stand_aside

Task = tuple["Future[Any]", Callable[[], Any]]


class RequestThreads(Executor):
    """Runs calls in threads: `running` at once, not counting those that stand aside, and never more than `most` in all.

    Of the idle threads the one that ran last goes first: its caches are still warm. The threads are daemons: they end
    with the process, and who stops it waits for the calls first.
    """

    def __init__(self, *, running: int, most: int) -> None:
        self._lock = threading.Lock()
        # How many more may run: below zero where threads came back that had stood aside.
        self._free = running
        self._not_started = most
        self._tasks: deque[Task] = deque()
        self._idle: list[SimpleQueue[Task]] = []

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        with self._lock:
            self._tasks.append((future, partial(call, *args, **kwargs)))
            self._start_next()
        return future

    def _start_next(self) -> None:
        """Gives the next task to a thread if one may run; the caller holds the lock."""
        if not self._tasks or self._free <= 0:
            return
        if self._idle:
            self._idle.pop().put(self._tasks.popleft())
        elif self._not_started:
            self._not_started -= 1
            threading.Thread(target=self._run, args=self._tasks.popleft(), daemon=True).start()
        else:
            return
        self._free -= 1

    def _run(self, future: "Future[Any]", call: Callable[[], Any]) -> None:
        stand_aside.set(self._aside)
        tasks: SimpleQueue[Task] = SimpleQueue()
        while True:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:
                    future.set_exception(error)
            # An idle thread keeps nothing of its last request alive.
            del future, call
            with self._lock:
                self._free += 1
                self._idle.append(tasks)
                self._start_next()
            future, call = tasks.get()

    @contextmanager
    def _aside(self) -> Iterator[None]:
        with self._lock:
            self._free += 1
            self._start_next()
        try:
            yield
        finally:
            with self._lock:
                self._free -= 1
