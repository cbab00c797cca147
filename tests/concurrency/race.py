import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection, connections

IS_POSTGRES = connection.vendor == "postgresql"


# Which part of the rounds is run; `make races` runs all of them.
SHARE = float(os.environ.get("RACES", "0.2"))


def rounds(on_postgres: int) -> int:
    """How often a race is run: SQLite, where writers take turns anyway, gets fewer rounds."""
    return max(int(SHARE * (on_postgres if IS_POSTGRES else on_postgres // 20)), 3)


def race(*runners: Callable[[], Any]) -> list[Any]:
    """Runs all at the same moment, each in a thread with a connection of its own; answers in the runners' order.

    An exception of a runner is raised here.
    """
    barrier = threading.Barrier(len(runners))
    answers: list[Any] = [None] * len(runners)
    failures: list[BaseException] = []

    def run(number: int, runner: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            answers[number] = runner()
        except BaseException as failure:
            failures.append(failure)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(runners)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return answers


def statuses(answers: Sequence[Any]) -> list[int]:
    return sorted(answer.status_code for answer in answers)
