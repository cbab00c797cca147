"""Each worker keeps its counts in files of its own, so that any worker can return the sums (METRICS_TOKEN).

A worker that replaces another one goes on with its files, so there are never more sets of files than workers.
"""

import itertools
import os
import shutil
import tempfile
from typing import Any

from prometheus_client import multiprocess, values

# The number of this worker among the running ones; 0 in the process that starts them.
place = 0


def prepare() -> None:
    """Called before any metric is made."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="accounts-metrics-")
    # prometheus-client documents this for servers that number their workers.
    values.ValueClass = values.MultiProcessValue(process_identifier=lambda: place)  # type: ignore[no-untyped-call]


def give_place(server: Any, worker: Any) -> None:
    """gunicorn's pre_fork: reserves the lowest number that no running worker has."""
    taken = {other.place for other in server.WORKERS.values()}
    worker.place = next(number for number in itertools.count(1) if number not in taken)


def take_place(server: Any, worker: Any) -> None:
    """gunicorn's post_fork."""
    global place
    place = worker.place


def leave_place(server: Any, worker: Any) -> None:
    """gunicorn's child_exit: sets the worker's gauges of things in use to zero."""
    multiprocess.mark_process_dead(worker.place)  # type: ignore[no-untyped-call]


def clean_up(server: Any) -> None:
    """gunicorn's on_exit."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
