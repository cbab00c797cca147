"""An act on all users that a list finds becomes a job of the worker."""

import threading

import pytest
from django.test import Client

from accounts.management.jobs import run_one_job
from accounts.models import Job, JobItem, Session, User
from tests.administrators import with_permissions
from tests.clients.authapi import AuthApi

pytestmark = pytest.mark.django_db(transaction=True)
ALL = "/admin/accounts/user/all/"


@pytest.fixture
def people(api: AuthApi) -> None:
    for name in ("alice", "bob", "carol"):
        api.register(name)
    User.objects.filter(username="carol").update(is_active=False)


def test_what_the_filters_find(admin: Client, people: None) -> None:
    listed = admin.get("/admin/accounts/user/?is_active__exact=1&q=b*").content.decode()
    assert 'href="all/?is_active__exact=1&amp;q=b%2A"' in listed
    page = admin.get(f"{ALL}?is_active__exact=1&q=b*").content.decode()
    assert "The list finds 1 users." in page
    answer = admin.post(f"{ALL}?is_active__exact=1&q=b*", {"kind": "end_sessions"})
    job = Job.objects.get()
    assert answer.headers["Location"] == f"/admin/accounts/job/{job.pk}/change/"
    assert [item.user.username for item in JobItem.objects.select_related("user")] == ["bob"]
    run_one_job(threading.Event())
    assert list(Session.objects.filter(user__username="bob").values_list("end_reason", flat=True)) == ["ended_by_admin"]
    assert Session.objects.filter(user__username="alice", ended_at=None).count() == 1


def test_without_a_filter_it_is_everybody(admin: Client, people: None) -> None:
    admin.post(ALL, {"kind": "verify"})
    assert Job.objects.get().total == User.objects.count() == 4


@pytest.mark.parametrize("kind", ["", "burn", "end_sessions "])
def test_no_act(admin: Client, people: None, kind: str) -> None:
    assert admin.post(ALL, {"kind": kind}).status_code == 200
    assert not Job.objects.exists()


@pytest.mark.parametrize("query", ["password__regex=a", "is_active__exact=maybe"])
def test_lookups_are_those_of_the_list(admin: Client, people: None, query: str) -> None:
    answer = admin.post(f"{ALL}?{query}", {"kind": "deactivate"})
    assert answer.status_code in (302, 400)
    assert not Job.objects.exists()


def test_more_than_a_job_may_have(admin: Client, people: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.admin.user_jobs.MOST", 2)
    page = admin.get(ALL).content.decode()
    assert "The list finds more than 2 users" in page
    assert 'name="kind"' not in page


def test_what_cannot_be_undone_asks_for_a_recent_proof(admin: Client, people: None) -> None:
    Session.objects.filter(kind="admin").update(
        auth_time=Session.objects.get(kind="admin").auth_time.replace(year=2020)
    )
    for kind in ("delete", "remove_factors"):
        assert admin.post(ALL, {"kind": kind}).headers["Location"].startswith("/admin/proof/?next=")
    assert not Job.objects.exists()
    assert admin.post(ALL, {"kind": "deactivate"}).status_code == 302
    assert Job.objects.count() == 1


def test_only_what_one_may(staff: User, people: None) -> None:
    client = with_permissions(staff, "view_user")
    assert "all/?" not in client.get("/admin/accounts/user/").content.decode()
    assert client.get(ALL).status_code == 403
    client = with_permissions(staff, "view_user", "end_session")
    page = client.get(ALL).content.decode()
    assert ('value="end_sessions"' in page, 'value="delete"' in page) == (True, False)
    assert client.post(ALL, {"kind": "delete"}).status_code == 200
    assert not Job.objects.exists()
    client = with_permissions(staff, "end_session")
    assert client.post(ALL, {"kind": "end_sessions"}).status_code == 403
    assert not Job.objects.exists()
