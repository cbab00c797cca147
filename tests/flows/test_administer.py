"""An administrator adds, changes and deletes accounts."""

from typing import Any

import pytest
from django.contrib.auth.models import Group

from accounts.core.context import Actor, ActorKind, ClientContext, Dialect
from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.administer import add_user, change_user, delete_user
from accounts.flows.end_sessions import end_sessions
from accounts.models import SecurityEvent, Session, User
from tests.clients.authapi import NEW_PASSWORD, PASSWORD
from tests.flows.context import ADDRESS, by_root, client, event, logged_in, mailed, recorded, refusal, signed_up

pytestmark = pytest.mark.django_db


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


def test_only_superusers_act_on_superusers(rows: Any) -> None:
    by_root()
    root, staff = User.objects.with_address().get(), signed_up("sam")
    login = logged_in("root")
    before = rows(), Session.objects.get().ended_at, User.objects.filter(pk=root.pk).values().get()
    context = client().by_administrator(staff.pk)
    changes: list[dict[str, Any]] = [
        {"username": "groot"},
        {"avatar_url": "https://example.org/a.png"},
        {"email": "sam@example.net"},
        {"password": NEW_PASSWORD},
        {"is_active": False},
        {"is_superuser": False},
        {"is_staff": False},
        {"groups": [Group.objects.create(name="editors")]},
        {"verified": False},
    ]
    refused = [refused_to(context, change_user, user=root, **change) for change in changes]
    refused += [
        refused_to(context, delete_user, user=root),
        refused_to(context, end_sessions, user_ids=[staff.pk, root.pk]),
        refused_to(context, end_sessions, session_ids=[login.session.pk]),
        refused_to(context, end_sessions),
    ]
    assert refused == [ErrorCode.SUPERUSER_PROTECTED] * 13
    # An inactive actor loses the right, and an inactive superuser is still protected.
    User.objects.update(is_superuser=True)
    User.objects.exclude(pk=root.pk).update(is_active=False)
    assert refused_to(context, change_user, user=root, username="groot") == ErrorCode.SUPERUSER_PROTECTED
    User.objects.update(is_active=False)
    User.objects.exclude(pk=root.pk).update(is_superuser=False, is_active=True)
    assert refused_to(context, change_user, user=root, is_active=True) == ErrorCode.SUPERUSER_PROTECTED
    User.objects.filter(pk=root.pk).update(is_active=True)
    assert (rows(), Session.objects.get().ended_at, User.objects.filter(pk=root.pk).values().get()) == before


def test_superusers_are_within_reach_of_superusers_and_commands() -> None:
    context, root = by_root(), User.objects.with_address().get(username="root")
    command = client(dialect=Dialect.COMMAND, actor=Actor(kind=ActorKind.COMMAND))
    for number, one in enumerate((context, command)):
        change_user(user=root, username=f"root{number}", context=one)
        logged_in(f"root{number}")
        assert end_sessions(user_ids=[root.pk], context=one) == 1


def refused_to(context: ClientContext, flow: Any, **arguments: Any) -> ErrorCode:
    with pytest.raises(AccountError) as refused:
        flow(context=context, **arguments)
    return refused.value.code


def test_the_last_superuser_stays(rows: Any) -> None:
    by_root()
    root, before = User.objects.get(), rows()
    refusals = [
        refusal(delete_user, user=root),
        refusal(change_user, user=root, is_active=False),
        refusal(change_user, user=root, username="groot", is_superuser=False),
        refusal(change_user, user=root, is_staff=False),
    ]
    assert [refused.code for refused in refusals] == [ErrorCode.LAST_SUPERUSER] * 4
    root = User.objects.get()
    assert (root.username, root.is_active, root.is_superuser, rows()) == ("root", True, True, before)
    assert root.is_staff is True


def test_the_last_superuser_who_may_use_the_admin_keeps_that() -> None:
    by_root()
    root, other = User.objects.with_address().get(), signed_up("olga")
    User.objects.filter(pk=other.pk).update(is_superuser=True)
    assert refusal(change_user, user=root, is_staff=False).code == ErrorCode.LAST_SUPERUSER
    User.objects.filter(pk=other.pk).update(is_staff=True, is_active=False)
    assert refusal(change_user, user=root, is_staff=False).code == ErrorCode.LAST_SUPERUSER
    User.objects.filter(pk=other.pk).update(is_active=True)
    change_user(user=root, is_staff=False, context=client())
    assert User.objects.get(pk=root.pk).is_staff is False
    # A change that takes nothing away is allowed.
    change_user(user=root, is_staff=False, context=client())
