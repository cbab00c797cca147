import uuid
from collections.abc import Iterable

from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.models.job import JobKind
from accounts.services import jobs


def start_job(*, kind: JobKind, user_ids: Iterable[uuid.UUID], context: ClientContext) -> int:
    """Asks for an act on each of these users, which the worker carries out; answers the id of the job.

    user_ids: may come one after the other, as from an iterator; none of them is kept in memory for long.
    Raises TooManyUsersError (services/jobs.py), and then there is no job.
    """
    with transaction.atomic(durable=True):
        return jobs.ask(kind, user_ids, context, now=clock.now()).pk


def stop_job(*, job_id: int) -> bool:
    """Asks the worker to stop after the user it is at; False for a job that is over or was asked before."""
    with transaction.atomic(durable=True):
        return jobs.ask_to_stop(job_id, now=clock.now())
