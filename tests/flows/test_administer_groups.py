"""Groups of administrators: every change of one is an event that names who made it."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.test import Client

from accounts.flows.administer_groups import delete_group, make_roles, put_group
from accounts.models import SecurityEvent, User
from accounts.services.roles import ROLES
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


def test_roles_are_made_once_and_reset_when_asked() -> None:
    def permissions() -> dict[str, set[str]]:
        groups = Group.objects.prefetch_related("permissions")
        return {group.name: {permission.codename for permission in group.permissions.all()} for group in groups}

    shipped = {name: set(codenames) for name, codenames in ROLES.items()}
    assert make_roles(is_reset=False, context=client()) == ["support", "security", "admin"]
    assert permissions() == shipped
    Group.objects.get(name="support").permissions.clear()
    Group.objects.get(name="admin").delete()
    assert make_roles(is_reset=False, context=client()) == ["admin"]
    assert permissions() == shipped | {"support": set()}
    assert make_roles(is_reset=True, context=client()) == ["support", "security", "admin"]
    assert permissions() == shipped
    assert events() == [("group_changed", name) for name in ("support", "security", "admin", "admin", *shipped)]


def test_a_command_makes_the_roles(capsys: pytest.CaptureFixture[str]) -> None:
    for said in ("Made or reset: support, security, admin.\n", "All roles are there.\n"):
        call_command("make_admin_roles")
        assert capsys.readouterr().out == said
    assert SecurityEvent.objects.filter(actor_kind="command", user_agent="manage.py make_admin_roles").count() == 3


def test_roles_do_not_reach_what_superusers_do() -> None:
    make_roles(is_reset=False, context=client())
    assert not Permission.objects.filter(group__isnull=False).exclude(content_type__app_label="accounts").exists()
    only_in_admin = ROLES["support"] + ROLES["security"]
    assert set(only_in_admin) < set(ROLES["admin"])
