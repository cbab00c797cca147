"""Groups of administrators: every change of one is an event that names who made it."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts.flows.administer_groups import delete_group, put_group
from accounts.models import SecurityEvent, User
from tests.clients.authapi import PASSWORD, AuthApi
from tests.flows.context import client

pytestmark = pytest.mark.django_db


def events() -> list[tuple[str, str]]:
    return list(SecurityEvent.objects.filter(kind__startswith="group_").order_by("id").values_list("kind", "detail"))


def test_made_changed_and_deleted() -> None:
    permission = Permission.objects.get(codename="view_user")
    group = Group(name="x" * 150)
    put_group(group=group, permissions=[permission], context=client())
    assert list(group.permissions.all()) == [permission]
    group.name = "support"
    put_group(group=group, context=client())
    assert list(Group.objects.get().permissions.all()) == [permission]
    delete_group(group=group, context=client())
    assert Group.objects.count() == 0
    assert events() == [("group_changed", "x" * 64), ("group_changed", "support"), ("group_deleted", "support")]


def test_in_the_admin(alice: Any, api: AuthApi) -> None:
    User.objects.update(is_staff=True, is_superuser=True)
    browser = Client()
    browser.post("/admin/login/", {"username": "alice", "password": PASSWORD})
    permission = Permission.objects.get(codename="view_user")
    body = {"name": "support", "permissions": [permission.pk]}
    assert browser.post("/admin/auth/group/add/", body).status_code == 302
    group = Group.objects.get()
    assert list(group.permissions.all()) == [permission]
    assert browser.post(f"/admin/auth/group/{group.pk}/change/", {"name": "support"}).status_code == 302
    assert group.permissions.count() == 0
    assert browser.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"}).status_code == 302
    assert events() == [("group_changed", "support")] * 2 + [("group_deleted", "support")]
    assert set(SecurityEvent.objects.filter(kind__startswith="group_").values_list("actor__username", flat=True)) == {
        "alice"
    }
