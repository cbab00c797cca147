"""Jobs in the admin: asked for in one request, looked at, and stopped by who may."""

import threading
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.contrib.messages.storage.fallback import FallbackStorage
from django.test import Client, RequestFactory

from accounts.admin.jobs import start_job_for
from accounts.management.jobs import run_one_job
from accounts.models import Job, JobItem, User
from accounts.models.job import JobKind
from accounts.services import jobs
from tests.administrators import with_permissions
from tests.clients.authapi import PASSWORD, AuthApi
from tests.statements import Statements

pytestmark = pytest.mark.django_db


def asked(by: User, *, kind: JobKind = JobKind.DEACTIVATE, users: Any = None) -> tuple[Any, list[str]]:
    """What start_job_for() answers `by`, and what it tells them."""
    request = RequestFactory().post("/admin/accounts/user/")
    request.user, request.session = by, {}  # type: ignore[assignment]
    request._messages = FallbackStorage(request)  # type: ignore[attr-defined]
    answer = start_job_for(request, kind, User.objects.all() if users is None else users)
    return answer, [str(message) for message in get_messages(request)]


def test_asked_for_in_one_request(root: User, api: AuthApi) -> None:
    for name in ("alice", "bob"):
        api.register(name)
    with Statements() as statements:
        answer, told = asked(root)
    job = Job.objects.get()
    assert answer.headers["Location"] == f"/admin/accounts/job/{job.pk}/change/"
    assert told == [f"The worker has been asked to do that: job {job.pk}."]
    assert (job.kind, job.asked_by, job.state, job.total) == ("deactivate", root, "waiting", 3)
    assert JobItem.objects.count() == 3
    # The job, the users' ids, the items, and how many they are.
    assert len(statements) == 4, statements.sql


def test_too_many_are_refused(root: User, api: AuthApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MOST", 0)
    assert asked(root) == (None, ["A job has 250\u202f000 users at most. Select fewer."])
    assert Job.objects.count() == 0


def test_its_page_tells_how_far_it_is_and_what_failed(admin: Client, root: User, api: AuthApi) -> None:
    api.register("alice")
    asked(root)
    job = Job.objects.get()
    page = f"/admin/accounts/job/{job.pk}/change/"
    waiting = admin.get(page).content.decode()
    assert '<progress value="0" max="2"' in waiting
    assert "waiting for a worker" in waiting
    run_one_job(threading.Event())
    done = admin.get(page).content.decode()
    assert '<progress value="2" max="2"' in done
    # The last superuser has to stay, and is asked for by who failed.
    assert "The last active superuser has to stay. (1)" in done
    assert f"/admin/accounts/jobitem/?job__id__exact={job.pk}&amp;state__exact=failed" in done
    assert 'name="_save"' not in done
    assert f"/admin/accounts/job/{job.pk}/stop/" not in done
    listed = admin.get(f"/admin/accounts/jobitem/?job__id__exact={job.pk}&state__exact=failed").content.decode()
    assert "root" in listed
    assert "alice" not in listed
    assert admin.get("/admin/accounts/job/").status_code == 200
    assert admin.get("/admin/accounts/job/0/change/").status_code == 302


def test_a_job_is_stopped_by_its_button(admin: Client, root: User, api: AuthApi) -> None:
    asked(root)
    job = Job.objects.get()
    stop = f"/admin/accounts/job/{job.pk}/stop/"
    assert admin.get(stop).status_code == 405
    assert b"The worker stops after the user it is at." in admin.post(stop, follow=True).content
    assert b"There is nothing to stop." in admin.post(stop, follow=True).content
    run_one_job(threading.Event())
    assert Job.objects.get().state == "stopped"
    assert User.objects.filter(is_active=False).count() == 0


def test_looking_and_stopping_have_permissions_of_their_own(root: User, staff: User) -> None:
    asked(root)
    job = Job.objects.get()
    page, stop = f"/admin/accounts/job/{job.pk}/change/", f"/admin/accounts/job/{job.pk}/stop/"
    without = with_permissions(staff, "view_user")
    assert [without.get(url).status_code for url in (page, "/admin/accounts/job/", "/admin/accounts/jobitem/")] == [
        403,
        403,
        403,
    ]
    viewer = with_permissions(staff, "view_job")
    assert "/stop/" not in viewer.get(page).content.decode()
    assert [client.post(stop).status_code for client in (without, viewer, Client())] == [403, 403, 302]
    assert Job.objects.get().stop_asked_at is None
    stopper = with_permissions(staff, "view_job", "stop_job")
    assert stop in stopper.get(page).content.decode()
    assert stopper.post(stop).status_code == 302
    assert Job.objects.get().stop_asked_at is not None


def test_who_may_not_look_at_jobs_stays_in_the_list(staff: User) -> None:
    answer, told = asked(staff)
    assert answer is None
    assert told == [f"The worker has been asked to do that: job {Job.objects.get().pk}."]


def test_stopping_needs_the_csrf_token(root: User) -> None:
    client = Client(enforce_csrf_checks=True)
    token = client.get("/admin/login/").cookies["csrftoken"].value
    body = {"username": "root", "password": PASSWORD, "csrfmiddlewaretoken": token}
    assert client.post("/admin/login/", body).status_code == 302
    asked(root)
    assert client.post(f"/admin/accounts/job/{Job.objects.get().pk}/stop/").status_code == 403
    assert Job.objects.get().stop_asked_at is None
