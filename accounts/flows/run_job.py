"""A worker's notes about the job that it carries out. The acts themselves are other flows."""

from django.db import transaction

from accounts.core import clock
from accounts.models import Job, JobItem
from accounts.models.job import ItemState, JobState
from accounts.services import jobs


def claim_job() -> Job | None:
    """Claims a job that no other worker has; None if there is none."""
    with transaction.atomic(durable=True):
        return jobs.claim(now=clock.now())


def next_items(*, job: Job, most: int) -> list[JobItem]:
    """The next users of a job of this worker; none if the job is over, was stopped, or belongs to another worker now.

    The job also stops if the administrator who asked for it has lost the permission.
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
    """Writes the result for one user. reason: the code of a refusal."""
    with transaction.atomic(durable=True):
        jobs.settle(job, item, state, reason=reason)


def release_job(*, job: Job) -> None:
    """Leaves the rest of the job to any worker."""
    with transaction.atomic(durable=True):
        jobs.release(job)
