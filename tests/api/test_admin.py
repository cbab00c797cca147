"""Django admin: the same accounts, the same rules."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client

from accounts.core import clock
from accounts.models import Message, SecurityEvent, Session, User
from accounts.services import passwords
from tests.clients.authapi import PASSWORD, AuthApi
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db


def act(admin: Client, action: str, *users: User) -> Any:
    body = {"action": action, "_selected_action": [str(user.pk) for user in users]}
    return admin.post("/admin/accounts/user/", body, follow=True)


def test_login_takes_name_or_address(root: User) -> None:
    for name in ("ROOT", "root@EXAMPLE.org"):
        assert Client().post("/admin/login/", {"username": name, "password": PASSWORD}).status_code == 302
    for name, password in (("root", "wrong-horse-9"), ("nobody", PASSWORD)):
        assert Client().post("/admin/login/", {"username": name, "password": password}).status_code == 200


def test_logins_are_recorded(root: User, api: AuthApi, alice: Any) -> None:
    tries = [("root", PASSWORD), ("root", "wrong-horse-9"), ("alice", PASSWORD), ("nobody", PASSWORD)]
    for name, password in tries:
        Client(HTTP_USER_AGENT="Browser/1").post("/admin/login/", {"username": name, "password": password})
    recorded = SecurityEvent.objects.filter(dialect="admin").order_by("id")
    assert list(recorded.values_list("user__username", "kind", "detail", "ip", "user_agent")) == [
        ("root", "logged_in", "", "127.0.0.1", "Browser/1"),
        ("root", "login_failed", "invalid_credentials", "127.0.0.1", "Browser/1"),
        ("alice", "login_failed", "invalid_credentials", "127.0.0.1", "Browser/1"),
        (None, "login_failed", "invalid_credentials", "127.0.0.1", "Browser/1"),
    ]


def test_login_upgrades_an_outdated_hash_and_says_when(root: User) -> None:
    long_ago = clock.now() - timedelta(days=9)
    User.objects.update(password=make_password(PASSWORD, hasher="pbkdf2_sha256"), last_visit=long_ago)
    client = Client()
    for password, begins in (("wrong-horse-9", "pbkdf2_sha256$"), (PASSWORD, "argon2$argon2id$")):
        client.post("/admin/login/", {"username": "root", "password": password})
        root.refresh_from_db()
        assert root.password.startswith(begins)
        assert (root.last_visit > long_ago) is (password == PASSWORD)
    assert client.get("/admin/").status_code == 200


def test_login_loses_to_a_reset(root: User, monkeypatch: pytest.MonkeyPatch) -> None:
    verify, other_hash = passwords.verify, passwords.make_hash("other-horse-9")

    def verify_and_be_overtaken(password: str, user: User | None) -> passwords.Verdict:
        verdict = verify(password, user)
        User.objects.update(password=other_hash)
        return verdict

    monkeypatch.setattr(passwords, "verify", verify_and_be_overtaken)
    client = Client()
    assert client.post("/admin/login/", {"username": "root", "password": PASSWORD}).status_code == 200
    assert client.get("/admin/").status_code == 302
    assert SecurityEvent.objects.get(dialect="admin").kind == "login_failed"


def test_strangers_and_users_are_kept_out(api: AuthApi, alice: Any) -> None:
    assert Client().get("/admin/accounts/user/").status_code == 302
    refused = Client().post("/admin/login/", {"username": "alice", "password": PASSWORD})
    assert b"correct username and password for a staff account" in refused.content


def test_cookies_count_in_the_admin_alone(admin: Client, alice: Any, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert admin.get("/api/auth/user/").status_code == 401
    with django_assert_num_queries(1):
        answer = admin.get("/api/auth/user/", headers={"Authorization": f"Bearer {alice['access']}"})
    assert answer.json()["username"] == "alice"
    assert "Cookie" not in answer.headers["Vary"]


@pytest.mark.parametrize("page", ["user", "session", "securityevent", "message", "signingkey"])
def test_lists_and_details(admin: Client, alice: Any, page: str) -> None:
    from django.apps import apps

    model = apps.get_model("accounts", page)
    listed = admin.get(f"/admin/accounts/{page}/")
    assert listed.status_code == 200
    row = model._default_manager.first()
    shown = admin.get(f"/admin/accounts/{page}/{row.pk}/change/")
    assert shown.status_code == 200
    message = Message.objects.first()
    session = Session.objects.first()
    assert message is not None
    assert session is not None
    for secret in (message.text, session.refresh_hash, User.objects.get(username="alice").password):
        assert secret.encode() not in shown.content


@pytest.mark.parametrize("page", ["session", "securityevent", "message", "signingkey"])
def test_what_is_only_looked_at(admin: Client, alice: Any, rows: Any, page: str) -> None:
    from django.apps import apps

    before = rows()
    pk = apps.get_model("accounts", page)._default_manager.first().pk
    assert admin.get(f"/admin/accounts/{page}/add/").status_code == 403
    assert admin.post(f"/admin/accounts/{page}/{pk}/change/", {"kind": "x"}).status_code == 403
    assert admin.post(f"/admin/accounts/{page}/{pk}/delete/", {"post": "yes"}).status_code == 403
    assert rows() == before


def test_search(admin: Client, api: AuthApi, alice: Any) -> None:
    api.register("bob")
    for wanted in ("ALIC", "alice@example"):
        found = admin.get("/admin/accounts/user/", {"q": wanted}).content.decode()
        assert re.findall(r"/admin/accounts/user/[0-9a-f-]{36}/change/", found)
        assert "bob@example.org" not in found


def test_add_user(admin: Client, api: AuthApi) -> None:
    body = {"username": "Carol", "email": "carol@example.org", "password1": PASSWORD, "password2": PASSWORD}
    answer = admin.post("/admin/accounts/user/add/", body | {"email_verified": "on"})
    assert answer.status_code == 302
    logged_in = api.login("carol").json()
    assert logged_in["user"]["email_verified"] is True
    assert Message.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"username": "ROOT"}, "A user with that username already exists."),
        ({"username": "a@b"}, "A username cannot contain @."),
        ({"email": "Root@example.org"}, "A user is already registered with this e-mail address."),
        ({"password2": "other-horse-9"}, "The two password fields didn’t match."),
        ({"password1": "password1", "password2": "password1"}, "This password is too common."),
    ],
)
def test_add_user_refusals(admin: Client, rows: Any, change: dict[str, str], message: str) -> None:
    before = rows()
    body = {"username": "carol", "email": "carol@example.org", "password1": PASSWORD, "password2": PASSWORD}
    answer = admin.post("/admin/accounts/user/add/", body | change)
    assert answer.status_code == 200
    assert message.replace("’", "&#x27;") in answer.content.decode()
    assert rows() == before


def test_name_taken_between_check_and_flow(admin: Client, alice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from accounts.admin.user_forms import UserForm

    monkeypatch.setattr(UserForm, "_check_free", lambda self, message, **taken_by: None)
    body = {"username": "alice", "email": "carol@example.org", "password1": PASSWORD, "password2": PASSWORD}
    answer = admin.post("/admin/accounts/user/add/", body, follow=True)
    assert b"Somebody has just taken this name or address." in answer.content
    assert User.objects.count() == 2


def test_change_user(admin: Client, api: AuthApi, alice: Any) -> None:
    url = f"/admin/accounts/user/{alice['user']['pk']}/change/"
    body = {"username": "Alicia", "avatar_url": "https://example.org/a.png", "is_active": "on", "email_verified": "on"}
    assert admin.post(url, body).status_code == 302
    assert api.user(alice["access"]).json()["email_verified"] is True
    assert api.user(alice["access"]).json()["username"] == "Alicia"
    assert admin.post(url, body | {"username": "root"}).status_code == 200
    del body["is_active"]
    assert admin.post(url, body).status_code == 302
    assert api.user(alice["access"]).status_code == 401
    kinds = list(SecurityEvent.objects.filter(dialect="admin").order_by("id").values_list("kind", flat=True))
    assert kinds == ["logged_in", "profile_changed", "email_verified", "deactivated", "session_ended"]


def test_actions(admin: Client, api: AuthApi, alice: Any, letters: Mailbox) -> None:
    user = User.objects.get(username="alice")
    letters.collect()
    assert b"Done for 1 user." in act(admin, "send_reset_mail", user).content
    assert letters.only().subject == "Reset your password"
    act(admin, "mark_verified", user)
    assert api.user(alice["access"]).json()["email_verified"] is True
    act(admin, "end_all_sessions", user)
    assert api.user(alice["access"]).status_code == 401
    token = api.login("alice").json()["access"]
    act(admin, "deactivate", user)
    assert api.user(token).status_code == 401
    assert api.login("alice").status_code == 400
    act(admin, "activate", user)
    assert api.login("alice").status_code == 200


def test_end_selected_sessions(admin: Client, api: AuthApi, alice: Any) -> None:
    other = api.login("alice").json()
    session = Session.objects.filter(user__username="alice").order_by("started_at").first()
    assert session is not None
    body = {"action": "end_these", "_selected_action": [str(session.pk)]}
    assert b"Ended 1 session." in admin.post("/admin/accounts/session/", body, follow=True).content
    assert api.user(alice["access"]).status_code == 401
    assert api.user(other["access"]).status_code == 200


def test_delete_leaves_events_without_personal_data(admin: Client, alice: Any) -> None:
    phone = AuthApi(**{"User-Agent": "Phone/1.0"})
    phone.login("alice")
    url = f"/admin/accounts/user/{alice['user']['pk']}/delete/"
    assert admin.post(url, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(username="alice").exists()
    # The administrator's own session is left.
    assert list(Session.objects.values_list("user__username", flat=True)) == ["root"]
    left = SecurityEvent.objects.filter(user=None).exclude(kind="deleted")
    assert left.count() == 3
    assert set(left.values_list("ip", "user_agent")) == {("", "")}


def test_staff_without_superuser_cannot_promote(admin: Client, api: AuthApi, alice: Any) -> None:
    from django.contrib.auth.models import Permission

    staff = User.objects.get(username="alice")
    staff.is_staff = True
    staff.save()
    staff.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    client = Client()
    client.post("/admin/login/", {"username": "alice", "password": PASSWORD})
    body = {"username": "alice", "is_active": "on", "is_superuser": "on", "is_staff": "on"}
    assert client.post(f"/admin/accounts/user/{staff.pk}/change/", body).status_code == 302
    staff.refresh_from_db()
    assert staff.is_superuser is False
    assert client.get("/admin/accounts/session/").status_code == 403


def test_dead_letters_can_be_retried(admin: Client, alice: Any, letters: Mailbox) -> None:
    message = Message.objects.get()
    Message.objects.update(state="dead", attempts=9, last_error="550 no such user")
    body = {"action": "retry", "_selected_action": [str(message.pk)]}
    assert b"Queued 1 message." in admin.post("/admin/accounts/message/", body, follow=True).content
    assert letters.only().to == ["alice@example.org"]


def test_addresses_have_no_list_of_their_own(admin: Client) -> None:
    assert admin.get("/admin/account/emailaddress/").status_code == 404


def test_change_of_ones_own_password_ends_sessions(admin: Client, api: AuthApi, letters: Mailbox) -> None:
    token = api.login("root").json()["access"]
    new = "battery-staple-7"

    def change(old: str, first: str, second: str) -> Any:
        body = {"old_password": old, "new_password1": first, "new_password2": second}
        return admin.post("/admin/password_change/", body)

    assert admin.get("/admin/password_change/").status_code == 200
    for refused in (("wrong-horse-9", new, new), (PASSWORD, new, "other-horse-9"), (PASSWORD, "x" * 1025, "x" * 1025)):
        assert change(*refused).status_code == 200
    assert api.user(token).status_code == 200
    assert change(PASSWORD, new, new).headers["Location"] == "/admin/password_change/done/"
    assert api.user(token).status_code == 401
    assert letters.only().subject == "Your password was changed"
    assert admin.get("/admin/").status_code == 200
    assert Client().post("/admin/password_change/", {}).status_code == 302


def test_from_a_user_to_their_sessions_and_events(admin: Client, api: AuthApi, alice: Any) -> None:
    api.register("bob")
    pk = alice["user"]["pk"]
    page = admin.get(f"/admin/accounts/user/{pk}/change/").content.decode()
    for name in ("session", "securityevent"):
        url = f"/admin/accounts/{name}/?user__id__exact={pk}"
        assert url in page
        listed = admin.get(url).content.decode()
        assert "alice" in listed
        assert "bob" not in listed


def test_forms_need_their_csrf_token(root: User) -> None:
    client = Client(enforce_csrf_checks=True)
    body = {"username": "root", "password": PASSWORD}
    assert client.post("/admin/login/", body).status_code == 403
    token = client.get("/admin/login/").cookies["csrftoken"].value
    assert client.post("/admin/login/", body | {"csrfmiddlewaretoken": token}).status_code == 302
    assert client.post("/admin/accounts/user/add/", {"username": "eve"}).status_code == 403
    assert client.post("/admin/password_change/", {}).status_code == 403
    assert User.objects.count() == 1
