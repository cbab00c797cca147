"""What an administrator does to an account: add it, change it, delete it."""

from typing import Any

import pytest
from django.contrib.auth.models import Group

from accounts.core.context import ClientContext
from accounts.core.errors import ErrorCode
from accounts.flows.administer import add_user, change_user, delete_user
from accounts.models import SecurityEvent, Session, User
from tests.clients.authapi import PASSWORD
from tests.flows.context import (
    ADDRESS,
    NEW_PASSWORD,
    client,
    event,
    forget,
    logged_in,
    mailed,
    recorded,
    refusal,
    signed_up,
)

pytestmark = pytest.mark.django_db


def by_root() -> ClientContext:
    """The client of root, a superuser whom this makes."""
    root = add_user(
        username="root",
        email="root@example.org",
        password=PASSWORD,
        is_superuser=True,
        verified=True,
        context=client(),
    )
    forget()
    return client().by_administrator(root.pk)


def test_an_account_is_added_without_session_and_mail(rows: Any) -> None:
    context = by_root()
    answer = add_user(username=None, email=ADDRESS, password=PASSWORD, verified=True, context=context)
    user = User.objects.with_address().get(email=ADDRESS)
    assert (answer.pk, user.username, user.email_verified) == (user.pk, "alice", True)
    assert (user.is_staff, user.is_superuser, Session.objects.count()) == (False, False, 0)
    assert (recorded(), mailed()) == ([event("registered", "administrator")], [])
    before = rows()
    values = {"password": PASSWORD, "verified": True}
    refused = refusal(add_user, username="ROOT", email="bob@example.org", **values)
    assert refused.code == ErrorCode.USERNAME_TAKEN
    refused = refusal(add_user, username="bob", email="ALICE@example.org", **values)
    assert refused.code == ErrorCode.EMAIL_TAKEN
    assert rows() == before


def test_everything_is_changed_at_once() -> None:
    context, user = by_root(), signed_up()
    logged_in()
    change_user(
        user=user,
        username="Alicia",
        email="alicia@example.org",
        password=NEW_PASSWORD,
        is_staff=True,
        groups=[Group.objects.create(name="editors")],
        verified=True,
        context=context,
    )
    user = User.objects.with_address().get(pk=user.pk)
    assert (user.username, user.email, user.email_verified) == ("Alicia", "alicia@example.org", True)
    assert (user.check_password(NEW_PASSWORD), user.is_staff, user.is_superuser) == (True, True, False)
    assert list(user.groups.values_list("name", flat=True)) == ["editors"]
    assert Session.objects.get().end_reason == "password_changed"
    assert recorded() == [
        event(kind, "administrator", "Alicia")
        for kind in (
            "profile_changed",
            "session_ended",
            "password_changed",
            "email_changed",
            "roles_changed",
            "groups_changed",
            "email_verified",
        )
    ]
    assert mailed() == [
        ("password_changed", ADDRESS),
        ("email_changed", ADDRESS),
        ("email_changed", "alicia@example.org"),
    ]


def test_deactivating_ends_sessions_and_what_is_so_already_is_not_recorded(rows: Any) -> None:
    context, user = by_root(), signed_up()
    logged_in()
    change_user(user=user, is_active=False, context=context)
    assert (User.objects.get(pk=user.pk).is_active, Session.objects.get().end_reason) == (False, "deactivated")
    assert recorded() == [event("deactivated", "administrator"), event("session_ended", "administrator")]
    before = rows()
    change_user(user=user, username="alice", email=ADDRESS, is_active=False, verified=False, context=context)
    assert rows() == before


def test_an_account_is_deleted_with_all_of_its_own() -> None:
    context = by_root()
    user = signed_up()
    change_user(user=user, password=NEW_PASSWORD, context=context)
    assert mailed() == [("password_changed", ADDRESS)]
    delete_user(user=user, context=context)
    assert list(User.objects.values_list("username", flat=True)) == ["root"]
    assert (Session.objects.count(), mailed()) == (0, [])
    assert recorded() == [
        ("password_changed", "administrator", None, "", "r1"),
        event("deleted", "administrator", None),
    ]
    assert set(SecurityEvent.objects.values_list("actor__username", flat=True)) == {"root"}


def test_the_last_superuser_stays(rows: Any) -> None:
    by_root()
    root, before = User.objects.get(), rows()
    refusals = [
        refusal(delete_user, user=root),
        refusal(change_user, user=root, is_active=False),
        refusal(change_user, user=root, username="groot", is_superuser=False),
    ]
    assert [refused.code for refused in refusals] == [ErrorCode.LAST_SUPERUSER] * 3
    root = User.objects.get()
    assert (root.username, root.is_active, root.is_superuser, rows()) == ("root", True, True, before)
