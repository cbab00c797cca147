"""Jobs: each user once, by the flow for a single user, in the name of the administrator who asked."""

import threading
import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.db import OperationalError

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.flows.run_job import claim_job, next_items, settle_item
from accounts.flows.start_job import start_job, stop_job
from accounts.management import jobs as worker
from accounts.models import Job, JobItem, SecurityEvent, Session, User
from accounts.models.job import ItemState, JobKind
from accounts.services import jobs
from tests.flows.context import by_root, client, logged_in, mailed, recorded, signed_up
from tests.second_factors import enrol

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> ClientContext:
    return by_root()


def people(*names: str) -> list[uuid.UUID]:
    return [signed_up(name).pk for name in names]


def work(stop: threading.Event | None = None) -> bool:
    return worker.run_one_job(stop or threading.Event())


def numbers(job_id: int) -> tuple[Any, ...]:
    """State, users, done, nothing to do, failed."""
    return Job.objects.values_list("state", "total", "done", "unchanged", "failed").get(pk=job_id)


def test_sessions_of_many_are_ended_by_who_asked(root: ClientContext) -> None:
    ids = people("alice", "bob", "carol")
    logged_in("alice")
    logged_in("bob")
    job_id = start_job(kind=JobKind.END_SESSIONS, user_ids=iter(ids), context=root)
    assert numbers(job_id) == ("waiting", 3, 0, 0, 0)
    assert recorded() == []
    assert work() is True
    assert numbers(job_id) == ("done", 3, 2, 1, 0)
    assert Session.objects.filter(ended_at=None).count() == 0
    events = SecurityEvent.objects.order_by("id").values_list(
        "kind", "user__username", "actor_kind", "actor__username", "dialect", "user_agent", "request_id", "ip"
    )
    by_root = ("administrator", "root", "admin", f"job {job_id}", "r1", "")
    assert list(events) == [("session_ended", "alice", *by_root), ("session_ended", "bob", *by_root)]
    assert work() is False


def test_each_kind_does_what_its_flow_does(root: ClientContext, api: Any) -> None:
    (alice,) = people("alice")

    def run(kind: JobKind) -> tuple[Any, ...]:
        job_id = start_job(kind=kind, user_ids=[alice], context=root)
        assert work() is True
        return numbers(job_id)[2:]

    def user() -> User:
        return User.objects.with_address().get(pk=alice)

    assert run(JobKind.SEND_RESET_MAIL) == (1, 0, 0)
    assert mailed() == [("password_reset", "alice@example.org")]
    assert (run(JobKind.VERIFY), user().email_verified) == ((1, 0, 0), True)
    assert run(JobKind.VERIFY) == (0, 1, 0)
    assert run(JobKind.REMOVE_FACTORS) == (0, 1, 0)
    enrol(api.login("alice").json()["access"])
    assert (run(JobKind.REMOVE_FACTORS), user().has_second_factor) == ((1, 0, 0), False)
    assert (run(JobKind.DEACTIVATE), user().is_active) == ((1, 0, 0), False)
    assert run(JobKind.SEND_RESET_MAIL) == (0, 1, 0)
    assert (run(JobKind.ACTIVATE), user().is_active) == ((1, 0, 0), True)
    assert run(JobKind.DELETE) == (1, 0, 0)
    assert not User.objects.filter(pk=alice).exists()


def test_every_kind_has_an_act_and_a_permission() -> None:
    assert set(worker.ACTS) == set(jobs.PERMISSIONS) == set(JobKind)
    known = {f"accounts.{code}" for code in Permission.objects.values_list("codename", flat=True)}
    assert set(jobs.PERMISSIONS.values()) <= known


def test_a_failure_at_one_user_does_not_stop_the_job(root: ClientContext, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob, carol = people("alice", "bob", "carol")
    gone = uuid.uuid4()
    last = root.actor.user_id
    assert last is not None
    act = worker.ACTS[JobKind.DEACTIVATE]

    def fail_at_bob(user: User, context: ClientContext) -> bool:
        if user.pk == bob:
            raise RuntimeError("a mistake in the code")
        return act(user, context)

    monkeypatch.setitem(worker.ACTS, JobKind.DEACTIVATE, fail_at_bob)
    job_id = start_job(kind=JobKind.DEACTIVATE, user_ids=[alice, bob, gone, last, carol], context=root)
    work()
    assert numbers(job_id) == ("done", 5, 2, 0, 3)
    assert list(JobItem.objects.order_by("id").values_list("user_id", "state", "reason")) == [
        (alice, "done", ""),
        (bob, "failed", "internal_error"),
        (gone, "failed", "user_not_found"),
        (last, "failed", "last_superuser"),
        (carol, "done", ""),
    ]
    assert User.objects.get(pk=bob).is_active is True


def test_only_superusers_act_on_superusers(root: ClientContext) -> None:
    sam, alice = people("sam", "alice")
    User.objects.filter(pk=sam).update(is_staff=True)
    User.objects.get(pk=sam).user_permissions.set(Permission.objects.filter(codename="activate_user"))
    context = client().by_administrator(sam)
    job_id = start_job(kind=JobKind.DEACTIVATE, user_ids=[root.actor.user_id, alice], context=context)  # type: ignore[list-item]
    work()
    assert numbers(job_id) == ("done", 2, 1, 0, 1)
    assert JobItem.objects.get(state="failed").reason == "superuser_protected"


@pytest.mark.parametrize(
    "loss", [{"is_active": False}, {"is_staff": False}, {"is_superuser": False}], ids=["active", "staff", "superuser"]
)
def test_a_job_ends_when_its_administrator_loses_the_permission(
    root: ClientContext, loss: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "ITEMS_AT_ONCE", 1)
    alice, bob = people("alice", "bob")
    act = worker.ACTS[JobKind.DEACTIVATE]

    def lose(user: User, context: ClientContext) -> bool:
        User.objects.filter(username="root").update(**loss)
        return act(user, context) if "is_superuser" not in loss else True

    monkeypatch.setitem(worker.ACTS, JobKind.DEACTIVATE, lose)
    job_id = start_job(kind=JobKind.DEACTIVATE, user_ids=[alice, bob], context=root)
    work()
    assert numbers(job_id)[0] == "refused"
    assert sum(numbers(job_id)[2:]) == 1
    assert User.objects.get(pk=bob).is_active is True
    assert JobItem.objects.get(user_id=bob).state == "pending"
    assert work() is False


def test_who_was_deleted_meanwhile_gets_nothing_more(root: ClientContext) -> None:
    (alice,) = people("alice")
    job_id = start_job(kind=JobKind.DEACTIVATE, user_ids=[alice], context=root)
    User.objects.get(username="root").delete()
    work()
    assert numbers(job_id) == ("refused", 1, 0, 0, 0)
    assert User.objects.get(pk=alice).is_active is True


def test_it_stops_after_the_user_it_is_at(root: ClientContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "ITEMS_AT_ONCE", 1)
    alice, bob = people("alice", "bob")
    act = worker.ACTS[JobKind.DEACTIVATE]

    def stop_meanwhile(user: User, context: ClientContext) -> bool:
        assert stop_job(job_id=job_id) is True
        assert stop_job(job_id=job_id) is False
        return act(user, context)

    monkeypatch.setitem(worker.ACTS, JobKind.DEACTIVATE, stop_meanwhile)
    job_id = start_job(kind=JobKind.DEACTIVATE, user_ids=[alice, bob], context=root)
    work()
    assert numbers(job_id) == ("stopped", 2, 1, 0, 0)
    assert User.objects.get(pk=bob).is_active is True
    assert (stop_job(job_id=job_id), stop_job(job_id=0)) == (False, False)


def test_a_worker_that_is_stopped_leaves_the_rest_to_another_at_once(
    root: ClientContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = people("alice", "bob", "carol")
    stop = threading.Event()
    act = worker.ACTS[JobKind.DEACTIVATE]

    def be_stopped(user: User, context: ClientContext) -> bool:
        stop.set()
        return act(user, context)

    monkeypatch.setitem(worker.ACTS, JobKind.DEACTIVATE, be_stopped)
    job_id = start_job(kind=JobKind.DEACTIVATE, user_ids=ids, context=root)
    work(stop)
    assert numbers(job_id) == ("running", 3, 1, 0, 0)
    work()
    assert numbers(job_id) == ("done", 3, 3, 0, 0)
    assert Counter(recorded()) == Counter(
        ("deactivated", "administrator", name, "", "r1") for name in ("alice", "bob", "carol")
    )


def test_a_killed_worker_s_job_goes_on_where_it_stopped(root: ClientContext) -> None:
    ids = people("alice", "bob", "carol")
    now = clock.now()
    with time_machine.travel(now, tick=False):
        job_id = start_job(kind=JobKind.DEACTIVATE, user_ids=ids, context=root)
        killed = claim_job()
        assert killed is not None
        (first, *_others) = next_items(job=killed, most=20)
        settle_item(job=killed, item=first, state=ItemState.DONE)
    with time_machine.travel(now + timedelta(seconds=59), tick=False):
        assert work() is False
    with time_machine.travel(now + timedelta(seconds=60), tick=False):
        assert work() is True
    assert numbers(job_id) == ("done", 3, 3, 0, 0)
    assert sorted(name for _kind, _actor, name, *_rest in recorded() if name) == ["bob", "carol"]
    # The first worker was alive after all. It finds that another worker has the job, and counts nobody twice.
    settle_item(job=killed, item=first, state=ItemState.DONE)
    assert next_items(job=killed, most=20) == []
    assert numbers(job_id) == ("done", 3, 3, 0, 0)


def test_who_was_deleted_before_it_could_be_counted_is_counted(root: ClientContext) -> None:
    ids = people("alice", "bob")
    job_id = start_job(kind=JobKind.DELETE, user_ids=ids, context=root)
    User.objects.get(username="alice").delete()
    work()
    assert numbers(job_id) == ("done", 2, 2, 0, 0)
    assert list(User.objects.values_list("username", flat=True)) == ["root"]


def test_a_database_that_is_away_leaves_the_user_pending(root: ClientContext, monkeypatch: pytest.MonkeyPatch) -> None:
    (alice,) = people("alice")

    def fail(user: User, context: ClientContext) -> bool:
        raise OperationalError("gone")

    monkeypatch.setitem(worker.ACTS, JobKind.DEACTIVATE, fail)
    job_id = start_job(kind=JobKind.DEACTIVATE, user_ids=[alice], context=root)
    with pytest.raises(OperationalError):
        work()
    assert numbers(job_id) == ("running", 1, 0, 0, 0)
    assert JobItem.objects.get().state == "pending"


def test_too_many_users_make_no_job(root: ClientContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MOST", 3)
    monkeypatch.setattr(jobs, "BATCH", 2)
    with pytest.raises(jobs.TooManyUsersError):
        start_job(kind=JobKind.DELETE, user_ids=(uuid.uuid4() for _ in range(4)), context=root)
    assert (Job.objects.count(), JobItem.objects.count()) == (0, 0)
    assert start_job(kind=JobKind.DELETE, user_ids=(uuid.uuid4() for _ in range(3)), context=root)


def test_jobs_are_taken_in_their_order_and_each_by_one_worker(root: ClientContext) -> None:
    ids = people("alice")
    first, second = (start_job(kind=JobKind.VERIFY, user_ids=ids, context=root) for _ in range(2))
    claimed = [claim_job() for _ in range(3)]
    assert [job and job.pk for job in claimed] == [first, second, None]


def test_a_job_goes_with_its_users(root: ClientContext) -> None:
    alice, _bob = people("alice", "bob")
    start_job(kind=JobKind.VERIFY, user_ids=[alice, _bob], context=root)
    User.objects.get(pk=alice).delete()
    assert list(JobItem.objects.values_list("user__username", flat=True)) == ["bob"]
