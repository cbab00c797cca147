"""Acts on many users as rows: ask, claim, settle (the pattern of outbox.py).

A worker claims a job and renews its lease while it goes through the users. If a worker is killed, its lease runs out
within a minute, and another worker goes on with the pending users.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

from django.db.models import F, Q

from accounts.core.context import Actor, ActorKind, ClientContext, Dialect
from accounts.models import Job, JobItem, User
from accounts.models.job import ItemState, JobKind, JobQuerySet, JobState

LEASE = timedelta(minutes=1)
# The most users of one job.
MOST = 250_000
BATCH = 5000

PERMISSIONS = {
    JobKind.END_SESSIONS: "accounts.end_session",
    JobKind.SEND_RESET_MAIL: "accounts.reset_user",
    JobKind.VERIFY: "accounts.verify_user",
    JobKind.ACTIVATE: "accounts.activate_user",
    JobKind.DEACTIVATE: "accounts.activate_user",
    JobKind.REMOVE_FACTORS: "accounts.reset_factors_user",
    JobKind.DELETE: "accounts.delete_user",
}


class TooManyUsersError(ValueError):
    """A job was asked for with more than MOST users."""


def ask(kind: JobKind, user_ids: Iterable[uuid.UUID], context: ClientContext, *, now: datetime) -> Job:
    """Writes a job and its users, BATCH of them in a statement; called inside a transaction.

    Raises TooManyUsersError.
    """
    job = Job.objects.create(
        kind=kind,
        asked_by_id=context.actor.user_id,
        language=context.language,
        request_id=context.request_id,
        asked_at=now,
    )
    ids = iter(user_ids)
    while batch := list(islice(ids, BATCH)):
        job.total += len(batch)
        if job.total > MOST:
            raise TooManyUsersError
        JobItem.objects.bulk_create(JobItem(job=job, user_id=user_id, asked_at=now) for user_id in batch)
    job.save(update_fields=["total"])
    return job


def ask_to_stop(job_id: int, *, now: datetime) -> bool:
    """Asks a job to stop; False for a job that is over, was asked before, or does not exist."""
    return bool(_open(job_id).filter(stop_asked_at=None).update(stop_asked_at=now))


def context_of(job: Job) -> ClientContext:
    """The context of the job's acts: its actor is the administrator who asked for the job."""
    return ClientContext(
        ip="",
        user_agent=f"job {job.pk}",
        language=job.language,
        request_id=job.request_id,
        dialect=Dialect.ADMIN,
        actor=Actor(kind=ActorKind.ADMINISTRATOR, user_id=job.asked_by_id),
    )


def may_go_on(job: Job) -> bool:
    """Whether the administrator who asked for the job still has the permission."""
    if job.asked_by_id is None:
        return False
    asked_by = User.objects.filter(pk=job.asked_by_id, is_active=True, is_staff=True).first()
    return asked_by is not None and asked_by.has_perm(PERMISSIONS[JobKind(job.kind)])


def claim(*, now: datetime) -> Job | None:
    """Takes the oldest job that no worker holds, for LEASE; called inside a transaction."""
    job = Job.objects.claimable(now).select_for_update(skip_locked=True).first()
    if job is None:
        return None
    job.state, job.leased_until = JobState.RUNNING, now + LEASE
    job.started_at = job.started_at or now
    job.save(update_fields=["state", "leased_until", "started_at"])
    return job


def renew(job: Job, *, now: datetime) -> bool:
    """Takes it for another LEASE, and reads whether it was asked to stop; False if another worker has it."""
    if not _mine(job).update(leased_until=now + LEASE):
        return False
    job.leased_until = now + LEASE
    job.stop_asked_at = Job.objects.values_list("stop_asked_at", flat=True).get(pk=job.pk)
    return True


def release(job: Job) -> None:
    """Lets another worker go on with it at once."""
    _mine(job).update(leased_until=None)


def pending(job: Job, *, most: int) -> list[JobItem]:
    return list(JobItem.objects.filter(job=job, state=ItemState.PENDING).order_by("id")[:most])


def settle(job: Job, item: JobItem, state: ItemState, *, reason: str = "") -> None:
    """Writes the result for a user, and counts it; called inside a transaction."""
    settled = JobItem.objects.filter(pk=item.pk, state=ItemState.PENDING).update(state=state, reason=reason)
    # A deletion of the user deletes the row too.
    if settled or (job.kind == JobKind.DELETE and state is ItemState.DONE):
        counter = {ItemState.DONE: "done", ItemState.UNCHANGED: "unchanged", ItemState.FAILED: "failed"}[state]
        Job.objects.filter(pk=job.pk).update(**{counter: F(counter) + 1})


def end(job: Job, state: JobState, *, now: datetime) -> None:
    """Settles the job. Rows that are gone without being counted belonged to users who were deleted, also by the job."""
    changes: dict[str, object] = {"state": state, "ended_at": now, "leased_until": None}
    if state is JobState.DONE:
        counter = "done" if job.kind == JobKind.DELETE else "failed"
        others = F("total") - F("done") - F("unchanged") - F("failed")
        changes[counter] = F(counter) + others
    _mine(job).update(**changes)


def _open(job_id: int) -> JobQuerySet:
    return Job.objects.filter(Q(state=JobState.WAITING) | Q(state=JobState.RUNNING), pk=job_id)


def _mine(job: Job) -> JobQuerySet:
    return Job.objects.filter(pk=job.pk, state=JobState.RUNNING, leased_until=job.leased_until)
