import uuid
from collections.abc import Iterable

from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.models.job import JobKind
from accounts.services import jobs


def start_job(*, kind: JobKind, user_ids: Iterable[uuid.UUID], context: ClientContext) -> int:
    """Asks the worker for an act on each of these users; returns the id of the job.

    user_ids: may be an iterator; they are not all kept in memory. Raises TooManyUsersError (services/jobs.py), and then
    makes no job.
    """
    with transaction.atomic(durable=True):
        return jobs.ask(kind, user_ids, context, now=clock.now()).pk


def stop_job(*, job_id: int) -> bool:
    """Asks the worker to stop after the present user; False for a job that is over or was asked before."""
    with transaction.atomic(durable=True):
        return jobs.ask_to_stop(job_id, now=clock.now())
