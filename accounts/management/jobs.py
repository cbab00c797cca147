"""The worker's part in jobs. It goes through the users, and calls the flow for a single user for each."""

import logging
import threading
from collections.abc import Callable

from django.db import InterfaceError, OperationalError

from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.administer import change_user, delete_user, reset_factors
from accounts.flows.end_sessions import end_sessions
from accounts.flows.request_password_reset import request_password_reset
from accounts.flows.run_job import claim_job, next_items, release_job, settle_item
from accounts.models import Job, JobItem, User
from accounts.models.job import ItemState, JobKind
from accounts.services.jobs import context_of

logger = logging.getLogger(__name__)

# After this number of users the worker checks whether the job was stopped.
ITEMS_AT_ONCE = 20
# The result of a user at whom the code failed. The log says why.
FAULT = "internal_error"
# Held while this process carries out a job, so that its end waits until the job is done with the present user.
under_way = threading.Lock()


def _deleted(user: User, context: ClientContext) -> bool:
    delete_user(user=user, context=context)
    return True


# Each function returns whether anything changed.
ACTS: dict[JobKind, Callable[[User, ClientContext], bool]] = {
    JobKind.END_SESSIONS: lambda user, context: end_sessions(user_ids=[user.pk], context=context) > 0,
    JobKind.SEND_RESET_MAIL: lambda user, context: request_password_reset(email=user.email, context=context),
    JobKind.VERIFY: lambda user, context: change_user(user=user, verified=True, context=context),
    JobKind.ACTIVATE: lambda user, context: change_user(user=user, is_active=True, context=context),
    JobKind.DEACTIVATE: lambda user, context: change_user(user=user, is_active=False, context=context),
    JobKind.REMOVE_FACTORS: lambda user, context: reset_factors(user=user, context=context),
    JobKind.DELETE: _deleted,
}


def run_one_job(stop: threading.Event) -> bool:
    """Carries out the oldest free job until it is over or `stop` is set; False if there is none."""
    job = claim_job()
    if job is None:
        return False
    with under_way:
        _carry_out(job, stop)
    return True


def _carry_out(job: Job, stop: threading.Event) -> None:
    logger.info("a job goes on", extra={"job": job.pk, "kind": job.kind, "users": job.total})
    while items := next_items(job=job, most=ITEMS_AT_ONCE):
        for item in items:
            if stop.is_set():
                release_job(job=job)
                return
            state, reason = _act(job, item)
            settle_item(job=job, item=item, state=state, reason=reason)
    logger.info("a job has ended", extra={"job": job.pk})


def _act(job: Job, item: JobItem) -> tuple[ItemState, str]:
    user = User.objects.with_address().filter(pk=item.user_id).first()
    if user is None:
        return ItemState.FAILED, ErrorCode.USER_NOT_FOUND.value
    try:
        changed = ACTS[JobKind(job.kind)](user, context_of(job))
    except AccountError as refusal:
        return ItemState.FAILED, refusal.code.value
    except (OperationalError, InterfaceError):
        # The database is away. The user stays pending.
        raise
    except Exception:
        logger.exception("a job failed at a user", extra={"job": job.pk, "item": item.pk})
        return ItemState.FAILED, FAULT
    return (ItemState.DONE if changed else ItemState.UNCHANGED), ""
