"""The lists and acts that an administrator may use (OWASP ASVS 5.0, 8.2)."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission

from accounts.admin.base import StrictAdmin
from accounts.models import Message, Session, User
from tests.administrators import with_permissions
from tests.clients.authapi import AuthApi
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("page", "lookup"),
    [
        ("accounts/user", "password__regex=^argon2"),
        ("accounts/user", "password__startswith=argon2"),
        ("accounts/user", "email_key=alice@example.org"),
        ("accounts/user", "sessions__refresh_hash__startswith=a"),
        ("accounts/user", "is_superuser__regex=1"),
        ("accounts/session", "refresh_hash__regex=^a"),
        ("accounts/session", "user__password__regex=^argon2"),
        ("accounts/session", "user__id__startswith=a"),
        ("accounts/securityevent", "user__password__startswith=a"),
        ("accounts/message", "text__contains=reset"),
        ("accounts/message", "html__icontains=key"),
        ("accounts/message", "subject__contains=a"),
        ("accounts/signingkey", "private_key__regex=^a"),
        ("auth/group", "user__password__regex=^a"),
    ],
)
def test_no_lookup_beyond_the_declared_filters(staff: User, alice: Any, page: str, lookup: str) -> None:
    client = with_permissions(staff, *Permission.objects.values_list("codename", flat=True))
    assert client.get(f"/admin/{page}/").status_code == 200
    assert client.get(f"/admin/{page}/?{lookup}").status_code == 400


@pytest.mark.parametrize(
    ("page", "lookup"),
    [
        ("accounts/user", "is_active__exact=1&is_staff__exact=0&q=alice&o=1"),
        ("accounts/session", "dialect=authapi&end_reason__exact=logged_out"),
        ("accounts/session", "user__id__exact=00000000-0000-0000-0000-000000000001"),
        (
            "accounts/securityevent",
            "kind__exact=registered&at__gte=2026-01-01+00:00:00%2B00:00&at__lt=2027-01-01+00:00:00%2B00:00",
        ),
        ("accounts/message", "state__exact=queued&kind__exact=verification&created_at__isnull=False"),
    ],
)
def test_declared_filters_work(staff: User, page: str, lookup: str) -> None:
    client = with_permissions(staff, *Permission.objects.values_list("codename", flat=True))
    assert client.get(f"/admin/{page}/?{lookup}").status_code == 200


def test_every_page_is_strict() -> None:
    assert [model for model, page in admin.site._registry.items() if not isinstance(page, StrictAdmin)] == []


VIEW = ("view_user", "change_user", "view_session", "view_message")


@pytest.mark.parametrize(
    ("action", "page", "permission"),
    [
        ("send_reset_mail", "user", "reset_user"),
        ("mark_verified", "user", "verify_user"),
        ("activate", "user", "activate_user"),
        ("deactivate", "user", "activate_user"),
        ("end_all_sessions", "user", "end_session"),
        ("end_these", "session", "end_session"),
        ("retry", "message", "retry_message"),
    ],
)
def test_acts_have_permissions_of_their_own(
    staff: User, alice: Any, rows: Any, letters: Mailbox, action: str, page: str, permission: str
) -> None:
    letters.collect()
    Message.objects.update(state="dead")
    # Each act has something to do.
    User.objects.filter(username="alice").update(is_active=action != "activate")
    row = {
        "user": User.objects.filter(username="alice"),
        "session": Session.objects.filter(user__username="alice"),
        "message": Message.objects.filter(to="alice@example.org"),
    }[page].get()
    body = {"action": action, "_selected_action": [str(row.pk)]}

    def state() -> Any:
        return list(User.objects.values()), list(Session.objects.values()), list(Message.objects.values())

    client = with_permissions(staff, *VIEW)
    before = rows(), state()
    client.post(f"/admin/accounts/{page}/", body)
    assert (rows(), state()) == before
    client = with_permissions(staff, *VIEW, permission)
    answer = client.post(f"/admin/accounts/{page}/", body, follow=True)
    assert b'class="success"' in answer.content


def test_form_marks_only_what_its_administrator_may(staff: User, alice: Any) -> None:
    url = f"/admin/accounts/user/{alice['user']['pk']}/change/"
    body = {"username": "Alicia", "avatar_url": "", "email_verified": "on"}
    assert with_permissions(staff, *VIEW).post(url, body).status_code == 302
    user = User.objects.with_address().get(pk=alice["user"]["pk"])
    assert (user.username, user.is_active, user.email_verified) == ("Alicia", True, False)
    body = {"username": "alice", "avatar_url": "", "email_verified": "on"}
    assert with_permissions(staff, *VIEW, "verify_user", "activate_user").post(url, body).status_code == 302
    user.refresh_from_db()
    assert (user.username, user.is_active) == ("alice", False)


@pytest.fixture
def root(db: Any) -> User:
    """A superuser whose address is not verified, with one session."""
    AuthApi().register("boss")
    user = User.objects.get(username="boss")
    user.is_staff = user.is_superuser = True
    user.store("is_staff", "is_superuser")
    return user


def all_of(user: User) -> Any:
    """Everything of a user that an administrator could have changed."""
    addresses = list(user.emailaddress_set.values("email", "verified"))  # type: ignore[attr-defined]
    return User.objects.filter(pk=user.pk).values().get(), addresses, list(user.sessions.values("ended_at"))


@pytest.mark.parametrize(
    ("page", "action"),
    [
        ("user", "send_reset_mail"),
        ("user", "mark_verified"),
        ("user", "activate"),
        ("user", "deactivate"),
        ("user", "end_all_sessions"),
        ("session", "end_these"),
    ],
)
def test_a_superuser_is_beyond_the_acts_of_staff(
    staff: User, root: User, letters: Mailbox, page: str, action: str
) -> None:
    client = with_permissions(staff, *Permission.objects.values_list("codename", flat=True))
    letters.collect()
    before = all_of(root), all_of(staff)
    # The administrator's own account comes first, so nothing is done to anybody.
    selected = [staff.pk, root.pk] if page == "user" else [root.sessions.get().pk]
    body = {"action": action, "_selected_action": [str(pk) for pk in selected]}
    answer = client.post(f"/admin/accounts/{page}/", body, follow=True)
    assert b"Only a superuser may do this to a superuser." in answer.content
    assert (all_of(root), all_of(staff), letters.collect()) == (before[0], before[1], [])


def test_a_superuser_is_beyond_the_forms_of_staff(staff: User, root: User) -> None:
    client = with_permissions(staff, *Permission.objects.values_list("codename", flat=True))
    before = all_of(root)
    url = f"/admin/accounts/user/{root.pk}"
    page = client.get(f"{url}/change/")
    assert page.status_code == 200
    assert b'name="username"' not in page.content
    assert b'name="_save"' not in page.content
    assert b"/delete/" not in page.content
    body = {"username": "groot", "avatar_url": "", "is_active": "on"}
    assert client.post(f"{url}/change/", body).status_code == 403
    assert client.get(f"{url}/delete/").status_code == 403
    assert client.post(f"{url}/delete/", {"post": "yes"}).status_code == 403
    selected = {"action": "delete_selected", "_selected_action": [str(root.pk)]}
    assert b"Cannot delete user" in client.post("/admin/accounts/user/", selected).content
    assert client.post("/admin/accounts/user/", selected | {"post": "yes"}).status_code == 403
    assert all_of(root) == before


def test_a_superuser_may_do_all_this_to_another(staff: User, root: User) -> None:
    User.objects.filter(pk=staff.pk).update(is_superuser=True)
    client = with_permissions(staff)
    url = f"/admin/accounts/user/{root.pk}"
    body = {"username": "groot", "avatar_url": "", "is_active": "on", "is_staff": "on"}
    assert client.post(f"{url}/change/", body).status_code == 302
    root.refresh_from_db()
    assert (root.username, root.is_superuser) == ("groot", False)
    assert client.post(f"{url}/delete/", {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=root.pk).exists()
