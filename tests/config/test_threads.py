import threading
from concurrent.futures import Future
from typing import Any

from accounts.core.waiting import stand_aside
from config.threads import RequestThreads

SECONDS = 30


class Held:
    """A call that waits until it is let go, standing aside meanwhile if it is to."""

    def __init__(self, *, aside: bool) -> None:
        self.aside = aside
        self.began = threading.Event()
        self.may_end = threading.Event()

    def __call__(self) -> str:
        if self.aside:
            with stand_aside.get()():
                self._wait()
        else:
            self._wait()
        return threading.current_thread().name

    def is_kept_out(self) -> bool:
        return not self.began.wait(0.1)

    def _wait(self) -> None:
        self.began.set()
        assert self.may_end.wait(SECONDS)


def _submit(threads: RequestThreads, calls: list[Held]) -> list[Future[Any]]:
    return [threads.submit(call) for call in calls]


def _three_aside(threads: RequestThreads) -> tuple[list[Held], list[Future[Any]]]:
    """Three calls that stand aside by now, and their futures."""
    calls = [Held(aside=True) for _ in range(3)]
    futures = _submit(threads, calls)
    for call in calls:
        assert call.began.wait(SECONDS)
    return calls, futures


def test_no_more_run_than_may() -> None:
    threads = RequestThreads(running=2, most=9)
    calls = [Held(aside=False) for _ in range(5)]
    futures = _submit(threads, calls)
    for number, call in enumerate(calls):
        assert call.began.wait(SECONDS)
        # This one and the next run, and nobody after them.
        assert all(later.is_kept_out() for later in calls[number + 2 :])
        call.may_end.set()
    assert len({future.result(SECONDS) for future in futures}) == 2


def test_who_stands_aside_makes_room_for_one_more() -> None:
    threads = RequestThreads(running=1, most=9)
    aside, futures = _three_aside(threads)
    assert threads.submit(int, "7").result(SECONDS) == 7
    assert [future.done() for future in futures] == [False] * 3
    for call in aside:
        call.may_end.set()
    assert len({future.result(SECONDS) for future in futures}) == 3


def test_who_comes_back_counts_again() -> None:
    threads = RequestThreads(running=1, most=9)
    back_in = threading.Event()
    running = Held(aside=False)

    def comes_back() -> None:
        with stand_aside.get()():
            assert running.began.wait(SECONDS)
        back_in.set()

    first, second = threads.submit(comes_back), threads.submit(running)
    assert back_in.wait(SECONDS)
    first.result(SECONDS)
    third = Held(aside=False)
    future = threads.submit(third)
    # The second still runs, and it is the only one that may.
    assert third.is_kept_out()
    running.may_end.set()
    second.result(SECONDS)
    assert third.began.wait(SECONDS)
    third.may_end.set()
    future.result(SECONDS)


def test_there_are_never_more_threads_than_most_and_no_call_is_lost() -> None:
    threads = RequestThreads(running=1, most=3)
    aside, futures = _three_aside(threads)
    waiting = [threads.submit(threading.get_ident) for _ in range(10)]
    assert [future.done() for future in waiting] == [False] * 10
    for call in aside:
        call.may_end.set()
    names = {future.result(SECONDS) for future in futures}
    assert len(names) == 3
    assert len({future.result(SECONDS) for future in waiting}) <= 3


def test_an_error_is_the_callers_and_the_thread_goes_on() -> None:
    threads = RequestThreads(running=1, most=1)
    failed = threads.submit(int, "seven")
    assert isinstance(failed.exception(SECONDS), ValueError)
    assert threads.submit(int, "7").result(SECONDS) == 7


def test_a_cancelled_call_is_not_made() -> None:
    threads = RequestThreads(running=1, most=1)
    held = Held(aside=False)
    first = threads.submit(held)
    made: list[int] = []
    second = threads.submit(made.append, 1)
    assert second.cancel()
    held.may_end.set()
    first.result(SECONDS)
    assert threads.submit(int, "7").result(SECONDS) == 7
    assert made == []


def test_outside_of_such_threads_nobody_makes_room() -> None:
    with stand_aside.get()() as nothing:
        assert nothing is None
