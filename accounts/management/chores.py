"""The worker's tasks beside sending mail. Each runs in a thread of its own until the worker is stopped."""

import logging
import threading
import time
from collections.abc import Callable

from django.db import Error, connections

from accounts.flows.count_by_hour import count_by_hour, measure_users, note_worker
from accounts.flows.delete_own_account import delete_due_accounts
from accounts.flows.purge_expired import purge_expired
from accounts.management.jobs import run_one_job, under_way

logger = logging.getLogger(__name__)

# Expired rows are removed every hour, and for the first time soon after the start.
PURGE_SECONDS = 3600.0
FIRST_PURGE_SECONDS = 60.0
COUNT_SECONDS = 60.0
FIRST_COUNT_SECONDS = 5.0
# The longest time that a job waits for an idle worker.
JOB_SECONDS = 2.0
AFTER_A_JOB_FAILED_SECONDS = 10.0
# The thread that sends mail reports a database that is away. A task that fails for longer than this has another cause.
QUIET_SECONDS = 300.0
# A connection that is not used for this long is closed.
LONG_SECONDS = 10.0
# How long a stopped worker waits until its job is done with the present user.
LAST_USER_SECONDS = 20.0
HANG_UP_SECONDS = 0.5
# How many hours are counted before the next check whether the worker was stopped.
HOURS_AT_ONCE = 24
# The largest share of the time that counting may take.
COUNTING_SHARE = 1 / 20


def start(stop: threading.Event) -> threading.Thread:
    """Starts all tasks, and returns the thread of jobs, which finish() needs."""
    for chore in (purge_until_stopped, count_until_stopped):
        threading.Thread(target=chore, args=(stop,), daemon=True).start()
    jobs = threading.Thread(target=run_jobs_until_stopped, args=(stop,), daemon=True)
    jobs.start()
    return jobs


def finish(jobs: threading.Thread) -> None:
    """Waits, after `stop` was set, until the job is done with the present user; not for a database that is away."""
    if under_way.acquire(timeout=LAST_USER_SECONDS):
        under_way.release()
    jobs.join(HANG_UP_SECONDS)


def purge_until_stopped(stop: threading.Event) -> None:
    """Removes expired rows. Several workers may do that at once: each skips what another one has locked."""
    _repeat(_purge, stop, first=FIRST_PURGE_SECONDS, after_failure=FIRST_PURGE_SECONDS)


def count_until_stopped(stop: threading.Event) -> None:
    """Updates the counts by hour, and notes that a worker is running."""
    _repeat(lambda: _count(stop), stop, first=FIRST_COUNT_SECONDS, after_failure=COUNT_SECONDS, quiet=QUIET_SECONDS)


def run_jobs_until_stopped(stop: threading.Event) -> None:
    """Carries out administrators' jobs on many users; only one worker at a time has a job."""
    _repeat(
        lambda: 0.0 if run_one_job(stop) else JOB_SECONDS,
        stop,
        first=JOB_SECONDS,
        after_failure=AFTER_A_JOB_FAILED_SECONDS,
        quiet=QUIET_SECONDS,
    )


def _repeat(
    chore: Callable[[], float], stop: threading.Event, *, first: float, after_failure: float, quiet: float = 0
) -> None:
    """Calls `work` again after as many seconds as it returns. quiet: seconds of failures before a line in the log."""
    pause, failing = first, 0.0
    while not stop.wait(pause):
        try:
            pause = chore()
            failing = 0.0
        except Error as error:
            pause = after_failure
            failing += pause
            level = logging.WARNING if failing > quiet else logging.DEBUG
            facts = {"error": said(error), "pause_seconds": pause}
            logger.log(level, "the database failed; trying again", extra=facts)
        finally:
            if pause >= LONG_SECONDS:
                connections.close_all()
    connections.close_all()


def _purge() -> float:
    if deleted := delete_due_accounts():
        logger.info("accounts were deleted whose owners asked for it", extra={"accounts": deleted})
    for purged in purge_expired():
        if purged.rows:
            logger.info("what is past its time was removed", extra={"kind": purged.name, "rows": purged.rows})
    return PURGE_SECONDS


def _count(stop: threading.Event) -> float:
    note_worker()
    began = time.monotonic()
    while count_by_hour(most_hours=HOURS_AT_ONCE):
        if stop.is_set():
            return COUNT_SECONDS
    measure_users()
    return max(COUNT_SECONDS, (time.monotonic() - began) / COUNTING_SHARE)


def said(error: Exception) -> str:
    """The first line of the database's message, for the log."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]
