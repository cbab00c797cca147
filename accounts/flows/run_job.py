"""What a worker writes about the job that it carries out; the acts themselves are other flows."""

from django.db import transaction

from accounts.core import clock
from accounts.models import Job, JobItem
from accounts.models.job import ItemState, JobState
from accounts.services import jobs


def claim_job() -> Job | None:
    """A job that no other worker has, None where there is none."""
    with transaction.atomic(durable=True):
        return jobs.claim(now=clock.now())


def next_items(*, job: Job, most: int) -> list[JobItem]:
    """The next users of a job that this worker has claimed; none where it is over, was stopped, or is another's by now.

    It is stopped as well where who asked for it may no longer do that.
    """
    now = clock.now()
    with transaction.atomic(durable=True):
        if not jobs.renew(job, now=now):
            return []
        if job.stop_asked_at is not None:
            jobs.end(job, JobState.STOPPED, now=now)
            return []
        if not jobs.may_go_on(job):
            jobs.end(job, JobState.REFUSED, now=now)
            return []
        items = jobs.pending(job, most=most)
        if not items:
            jobs.end(job, JobState.DONE, now=now)
        return items


def settle_item(*, job: Job, item: JobItem, state: ItemState, reason: str = "") -> None:
    """Writes down what became of one user. reason: the code of a refusal."""
    with transaction.atomic(durable=True):
        jobs.settle(job, item, state, reason=reason)


def release_job(*, job: Job) -> None:
    """Leaves the rest of it to any worker."""
    with transaction.atomic(durable=True):
        jobs.release(job)
