"""A job and the processes of workers: one is killed in the middle, and another one goes on."""

import signal
import time
from datetime import timedelta

import pytest

from accounts.core import clock
from accounts.core.context import ClientContext, Dialect
from accounts.flows.start_job import start_job
from accounts.models import Job, SecurityEvent, User
from accounts.models.job import JobKind
from tests.administrators import add_root
from tests.delivery.worker_log import assert_ended_well
from tests.processes import finish, manage

pytestmark = pytest.mark.django_db(transaction=True)
CONTEXT = ClientContext(ip="", user_agent="", language="en", request_id="", dialect=Dialect.ADMIN)
USERS = 300


def wait_for(settled: int, *, state: str = "") -> None:
    deadline = time.monotonic() + 60
    while True:
        job = Job.objects.get()
        if job.done >= settled and state in ("", job.state):
            return
        assert time.monotonic() < deadline, (job.state, job.done)
        time.sleep(0.02)


def test_killed_in_the_middle() -> None:
    root = add_root()
    names = [f"user{number}" for number in range(USERS)]
    User.objects.bulk_create(
        User(username=name, username_key=name, email=f"{name}@example.org", email_key=f"{name}@example.org")
        for name in names
    )
    ids = User.objects.exclude(pk=root.pk).values_list("pk", flat=True)
    start_job(kind=JobKind.DEACTIVATE, user_ids=ids.iterator(), context=CONTEXT.by_administrator(root.pk))
    with manage("deliver_mail", LOG_LEVEL="WARNING") as worker:
        wait_for(20)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    killed_at = Job.objects.get()
    assert killed_at.state == "running"
    assert 20 <= killed_at.done < USERS
    # The clock is moved to where the dead worker's lease has run out.
    Job.objects.update(leased_until=clock.now() - timedelta(seconds=1))
    with manage("deliver_mail", LOG_LEVEL="WARNING") as worker:
        wait_for(killed_at.done + 20)
        # This worker is stopped in order, and releases the rest at once.
        worker.send_signal(signal.SIGTERM)
        assert_ended_well(finish(worker))
    left = Job.objects.get()
    assert (left.leased_until, left.state) in ((None, "running"), (None, "done"))
    with manage("deliver_mail", LOG_LEVEL="WARNING") as worker:
        wait_for(0, state="done")
        worker.send_signal(signal.SIGTERM)
        assert_ended_well(finish(worker))
    job = Job.objects.get()
    # If the kill came between the act and its count, the act is found already done for that user.
    assert (job.done + job.unchanged, job.failed) == (USERS, 0)
    assert job.unchanged <= 1
    assert not User.objects.exclude(pk=root.pk).filter(is_active=True).exists()
    assert SecurityEvent.objects.filter(kind="deactivated", actor=root).count() == USERS
