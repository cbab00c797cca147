"""The whole life of an account over the AuthApi, its logins and its user."""

from typing import Any

import pytest

from accounts.models import Session, User
from tests.clients.authapi import BAD_LOGIN, NEW_PASSWORD, NO_BEARER, NOT_VALID, PASSWORD, AuthApi
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db


def test_whole_life(any_api: AuthApi, letters: Mailbox) -> None:
    registered = any_api.register("alice")
    assert registered.status_code == 201
    assert set(registered.json()) == {"access", "refresh", "user"}
    assert registered.json()["user"]["username"] == "alice"
    assert registered.json()["user"]["email_verified"] is False

    key = link_values(letters.only())["key"]
    verified = any_api.verify_email(key)
    assert (verified.status_code, verified.json()) == (200, {"detail": "ok"})

    by_name = any_api.login("ALICE")
    by_address = any_api.login("Alice@Example.org", field="email")
    assert (by_name.status_code, by_address.status_code) == (200, 200)
    assert by_name.json()["user"]["email_verified"] is True

    refreshed = any_api.refresh(by_name.json()["refresh"])
    assert refreshed.status_code == 200
    assert set(refreshed.json()) == {"access", "refresh"}
    assert any_api.verify(refreshed.json()["access"]).content == b""

    changed = any_api.change_password(refreshed.json()["access"], PASSWORD, NEW_PASSWORD)
    assert (changed.status_code, changed.json()) == (200, {"detail": "New password has been saved."})
    assert letters.only().subject == "Your password was changed"

    asked = any_api.reset("alice@example.org")
    assert (asked.status_code, asked.json()) == (200, {"detail": "Password reset e-mail has been sent."})
    values = link_values(letters.only())
    reset = any_api.confirm_reset(values["uid"], values["token"], PASSWORD)
    assert (reset.status_code, reset.json()) == (200, {"detail": "Password has been reset with the new password."})

    token = any_api.login("alice").json()["access"]
    out = any_api.logout(token)
    assert (out.status_code, out.json()) == (200, {"detail": "Successfully logged out."})
    assert any_api.user(token).status_code == 401


class TestLogin:
    def test_either_field_carries_either(self, any_api: AuthApi, alice: Any) -> None:
        for field in ("username", "email"):
            for name in ("alice", "Alice", "ALICE@example.org"):
                assert any_api.login(name, field=field).status_code == 200

    def test_both_fields_must_agree(self, api: AuthApi, alice: Any) -> None:
        api.register("bob")
        both = {"username": "alice", "email": "alice@example.org", "password": PASSWORD}
        assert api.call("POST", "login/", both).status_code == 200
        assert api.call("POST", "login/", both | {"email": "bob@example.org"}).json() == BAD_LOGIN
        assert api.call("POST", "login/", both | {"email": ""}).status_code == 200

    def test_refusals_are_one(self, api: AuthApi, alice: Any) -> None:
        api.register("gone")
        User.objects.filter(username="gone").update(is_active=False)
        answers = [api.login("alice", "wrong-horse-9"), api.login("nobody"), api.login("gone")]
        assert {answer.status_code for answer in answers} == {400}
        assert {answer.content for answer in answers} == {answers[0].content}
        assert answers[0].json() == BAD_LOGIN
        assert Session.objects.count() == 2

    def test_missing_fields(self, any_api: AuthApi, alice: Any) -> None:
        no_name = any_api.call("POST", "login/", {"password": PASSWORD})
        assert no_name.json() == {"non_field_errors": ['Must include either "username" or "email" and "password".']}
        no_password = any_api.call("POST", "login/", {"username": "alice"})
        assert no_password.json() == {"password": ["This field is required."]}

    @pytest.mark.parametrize("stale", ["not-a-token", "a.b.c", ""])
    def test_stale_credentials_do_not_bar_it(self, api: AuthApi, alice: Any, stale: str) -> None:
        headers = {"Authorization": f"Bearer {stale}", "Cookie": "sessionid=stale; fastapiusersauth=stale"}
        answer = api.call("POST", "login/", {"username": "alice", "password": PASSWORD}, headers=headers)
        assert answer.status_code == 200

    def test_outdated_hash_is_upgraded(self, api: AuthApi, alice: Any) -> None:
        from django.contrib.auth.hashers import make_password

        User.objects.update(password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
        assert api.login("alice").status_code == 200
        assert User.objects.get().password.startswith("argon2$argon2id$")
        assert api.login("alice").status_code == 200

    @pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html", "x", "a/b," * 3000])
    def test_json_whatever_is_accepted(self, api: AuthApi, alice: Any, accept: str) -> None:
        body = {"username": "alice", "password": PASSWORD}
        answer = api.call("POST", "login/?format=xml", body, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")

    def test_no_store_and_no_cookie(self, api: AuthApi, alice: Any) -> None:
        answer = api.login("alice")
        assert answer.headers["Cache-Control"] == "no-store"
        assert not answer.cookies


class TestUser:
    def test_read(self, api: AuthApi, alice: Any) -> None:
        user = User.objects.get()
        assert api.user(alice["access"]).json() == {
            "pk": str(user.pk),
            "username": "alice",
            "email": "alice@example.org",
            "email_verified": False,
            "avatar_url": "",
            "created_at": user.created_at.isoformat().replace("+00:00", "Z"),
            "external_id": "",
            "last_visit": user.last_visit.isoformat().replace("+00:00", "Z"),
        }

    def test_change(self, any_api: AuthApi, alice: Any) -> None:
        token = alice["access"]
        patched = any_api.call("PATCH", "user/", {"avatar_url": "https://example.org/a.png"}, token=token)
        assert (patched.status_code, patched.json()["avatar_url"]) == (200, "https://example.org/a.png")
        put = any_api.call("PUT", "user/", {"username": "Alicia"}, token=token)
        assert (put.status_code, put.json()["username"]) == (200, "Alicia")
        assert any_api.login("alicia").status_code == 200
        assert any_api.call("PATCH", "user/", {"avatar_url": ""}, token=token).json()["avatar_url"] == ""

    @pytest.mark.parametrize(
        ("method", "body", "errors"),
        [
            ("PATCH", {"username": "BOB"}, {"username": ["A user with that username already exists."]}),
            ("PATCH", {"username": "bob@example.org"}, {"username": ["A username cannot contain @."]}),
            ("PATCH", {"avatar_url": "http://example.org/a.png"}, {"avatar_url": ["Enter a valid URL."]}),
            ("PATCH", {"avatar_url": "javascript:alert(1)"}, {"avatar_url": ["Enter a valid URL."]}),
            ("PUT", {"avatar_url": ""}, {"username": ["This field is required."]}),
        ],
    )
    def test_refusals(self, api: AuthApi, alice: Any, method: str, body: Any, errors: Any) -> None:
        api.register("bob")
        before = api.user(alice["access"]).json()
        answer = api.call(method, "user/", body, token=alice["access"])
        assert (answer.status_code, answer.json()) == (400, errors)
        assert api.user(alice["access"]).json() == before

    def test_read_only_fields_stay(self, api: AuthApi, alice: Any) -> None:
        before = api.user(alice["access"]).json()
        body = {"email": "new@example.org", "pk": "1", "email_verified": True, "is_superuser": True}
        answer = api.call("PATCH", "user/", body, token=alice["access"])
        assert (answer.status_code, answer.json()) == (200, before)
        assert User.objects.get().is_superuser is False

    def test_needs_token(self, api: AuthApi, alice: Any) -> None:
        assert api.call("GET", "user/").json() == NO_BEARER
        assert api.call("GET", f"user/?access_token={alice['access']}").status_code == 401
        User.objects.update(is_active=False)
        assert api.user(alice["access"]).json() == NOT_VALID
