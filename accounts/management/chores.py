"""What the worker does beside sending mail, each in a thread of its own, until it is stopped."""

import logging
import threading
import time
from collections.abc import Callable

from django.db import Error, connections

from accounts.flows.count_by_hour import count_by_hour, measure_users, note_worker
from accounts.flows.delete_own_account import delete_due_accounts
from accounts.flows.purge_expired import purge_expired
from accounts.management.jobs import run_one_job

logger = logging.getLogger(__name__)

# What is past its time is removed every hour, and for the first time soon after the start.
PURGE_SECONDS = 3600.0
FIRST_PURGE_SECONDS = 60.0
COUNT_SECONDS = 60.0
FIRST_COUNT_SECONDS = 5.0
# How long a job waits for an idle worker at most.
JOB_SECONDS = 2.0
AFTER_A_JOB_FAILED_SECONDS = 10.0
# No connection is kept for so long that nothing is said over.
LONG_SECONDS = 10.0
# How long a worker that was stopped waits for the user that its job is at.
LAST_USER_SECONDS = 20.0
# How many hours are counted before the next look at whether the worker was stopped.
HOURS_AT_ONCE = 24
# Counting takes this part of the time at most.
COUNTING_SHARE = 1 / 20


def start(stop: threading.Event) -> threading.Thread:
    """Starts them all, and answers the one to wait for after `stop` was set: it may be in the middle of a user."""
    for chore in (purge_until_stopped, count_until_stopped):
        threading.Thread(target=chore, args=(stop,), daemon=True).start()
    jobs = threading.Thread(target=run_jobs_until_stopped, args=(stop,), daemon=True)
    jobs.start()
    return jobs


def purge_until_stopped(stop: threading.Event) -> None:
    """Several workers may do so at once: what one of them has in hand the others pass over."""
    _repeat(_purge, stop, first=FIRST_PURGE_SECONDS, after_failure=FIRST_PURGE_SECONDS)


def count_until_stopped(stop: threading.Event) -> None:
    """Keeps the counts by hour, and tells that a worker is there."""
    _repeat(lambda: _count(stop), stop, first=FIRST_COUNT_SECONDS, after_failure=COUNT_SECONDS)


def run_jobs_until_stopped(stop: threading.Event) -> None:
    """Carries out what administrators have asked to be done to many users; each job by one worker at a time."""
    _repeat(
        lambda: 0.0 if run_one_job(stop) else JOB_SECONDS,
        stop,
        first=JOB_SECONDS,
        after_failure=AFTER_A_JOB_FAILED_SECONDS,
    )


def _repeat(chore: Callable[[], float], stop: threading.Event, *, first: float, after_failure: float) -> None:
    """Does it again after as many seconds as it answers."""
    pause = first
    while not stop.wait(pause):
        try:
            pause = chore()
        except Error as error:
            pause = after_failure
            logger.warning("the database failed; trying again", extra={"error": said(error), "pause_seconds": pause})
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
    """The first line of what the database said, for the log."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]
