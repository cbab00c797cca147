"""Registration over the AuthApi, and the verification of its address."""

from typing import Any

import pytest

from accounts.models import Session, User
from tests.clients.authapi import BAD_LOGIN, PASSWORD, AuthApi
from tests.clock import after
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db


class TestRegistration:
    @pytest.mark.parametrize(
        ("changes", "errors"),
        [
            ({"username": ""}, {"username": ["This field may not be blank."]}),
            ({"username": "a@b"}, {"username": ["A username cannot contain @."]}),
            (
                {"username": "two words"},
                {"username": ["A username may contain only letters, numbers, and . + - _ characters."]},
            ),
            (
                {"username": "pаypal"},
                {"username": ["This username mixes scripts whose letters can be mistaken for one another."]},
            ),
            ({"email": "nobody"}, {"email": ["Enter a valid email address."]}),
            (
                {"email": "a" * 243 + "@example.org"},
                {"email": ["Ensure this field has no more than 254 characters."]},
            ),
            ({"password2": "other-horse-9"}, {"password2": ["The two password fields didn't match."]}),
            (
                {"password1": "short-7", "password2": "short-7"},
                {"password1": ["This password is too short. It must contain at least 8 characters."]},
            ),
            (
                {"password1": "x" * 1025, "password2": "x" * 1025},
                {"password1": ["This password is too long. It may have at most 1024 characters."]},
            ),
            (
                {"password1": "bobby-tables", "password2": "bobby-tables"},
                {"password1": ["The password is too similar to the username."]},
            ),
            ({"password1": "password1", "password2": "password1"}, {"password1": ["This password is too common."]}),
            (
                {"username": "a@b", "password1": "short-7", "password2": "short-7"},
                {
                    "username": ["A username cannot contain @."],
                    "password1": ["This password is too short. It must contain at least 8 characters."],
                },
            ),
        ],
    )
    def test_bad_values(self, any_api: AuthApi, rows: Any, changes: dict[str, str], errors: dict[str, Any]) -> None:
        before = rows()
        body = {"username": "bobby-tables", "email": "b@example.org", "password1": PASSWORD, "password2": PASSWORD}
        answer = any_api.call("POST", "registration/", body | changes)
        assert answer.status_code == 400
        assert answer.json() == errors
        assert rows() == before

    @pytest.mark.parametrize("name", ["alice", "ALICE", "ａｌｉｃｅ"])
    def test_taken_name(self, api: AuthApi, alice: Any, rows: Any, name: str) -> None:
        before = rows()
        answer = api.register(name, email="other@example.org")
        assert answer.status_code == 400
        assert answer.json() == {"username": ["A user with that username already exists."]}
        assert rows() == before

    def test_taken_address(self, api: AuthApi, alice: Any, rows: Any) -> None:
        before = rows()
        answer = api.register("bob", email="ALICE@example.ORG")
        assert answer.status_code == 400
        assert answer.json() == {"email": ["A user is already registered with this e-mail address."]}
        assert rows() == before

    def test_privileges_in_the_body_are_ignored(self, api: AuthApi) -> None:
        body = {"username": "eve", "email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
        more = {"is_superuser": True, "is_staff": True, "is_verified": True, "email_verified": True, "pk": "1"}
        answer = api.call("POST", "registration/", body | more)
        assert answer.status_code == 201
        user = User.objects.with_address().get()
        assert (user.is_superuser, user.is_staff, user.email_verified) == (False, False, False)

    @pytest.mark.parametrize(
        "password", ["lower case only", "12345 67890 x", "🐴🔋📎✅🐴🔋📎🐙", "xyzzy-plugh-" * 85 + "1234"]
    )
    def test_good_passwords(self, api: AuthApi, password: str) -> None:
        assert api.register("bob", password=password).status_code == 201
        assert api.login("bob", password).status_code == 200
        assert api.login("bob", password[:-1]).status_code == 400

    def test_password_is_not_trimmed(self, api: AuthApi) -> None:
        assert api.register("bob", password="  spaced out  ").status_code == 201
        assert api.login("bob", "spaced out").status_code == 400
        assert api.login("bob", "  spaced out  ").status_code == 200

    def test_password_is_normalised(self, api: AuthApi) -> None:
        assert api.register("bob", password="cafe\u0301-au-lait").status_code == 201
        assert api.login("bob", "caf\u00e9-au-lait").status_code == 200


class TestMandatoryVerification:
    @pytest.fixture(autouse=True)
    def _mandatory(self, settings: Any) -> None:
        settings.EMAIL_VERIFICATION = "mandatory"

    def test_same_answer_for_fresh_and_taken(self, api: AuthApi, letters: Mailbox) -> None:
        fresh = api.register("alice")
        verification = letters.only()
        taken = api.register("mallory", email="Alice@example.org")
        assert (fresh.status_code, taken.status_code) == (201, 201)
        assert fresh.content == taken.content
        assert fresh.json() == {"detail": "Verification e-mail sent."}
        assert (verification.to, verification.subject) == (["alice@example.org"], "Verify your e-mail address")
        notice = letters.only()
        assert (notice.to, notice.subject) == (
            ["alice@example.org"],
            "Somebody tried to register with your address",
        )
        assert User.objects.count() == 1
        assert Session.objects.count() == 0

    def test_login_waits_for_verification(self, api: AuthApi, letters: Mailbox) -> None:
        api.register("alice")
        refused = api.login("alice")
        assert (refused.status_code, refused.json()) == (400, {"non_field_errors": ["E-mail is not verified."]})
        # Without the password nobody learns that the address is unverified.
        assert api.login("alice", "wrong-horse-9").json() == BAD_LOGIN
        assert api.verify_email(link_values(letters.only())["key"]).status_code == 200
        assert api.login("alice").status_code == 200


class TestVerification:
    def test_works_once(self, api: AuthApi, alice: Any, letters: Mailbox) -> None:
        key = link_values(letters.only())["key"]
        assert api.verify_email(key).status_code == 200
        again = api.verify_email(key)
        assert (again.status_code, again.json()) == (400, {"key": ["This key is wrong, used or expired."]})
        assert api.user(alice["access"]).json()["email_verified"] is True

    @pytest.mark.parametrize("key", ["x", "x" * 5000, "a:b:c", "é", "[1]"])
    def test_bad_keys(self, any_api: AuthApi, alice: Any, rows: Any, key: str) -> None:
        before = rows()
        assert any_api.verify_email(key).status_code == 400
        assert rows() == before

    def test_lives_a_day(self, api: AuthApi, alice: Any, letters: Mailbox) -> None:
        key = link_values(letters.only())["key"]
        with after(hours=24, seconds=5):
            assert api.verify_email(key).status_code == 400
        with after(hours=24, seconds=-5):
            assert api.verify_email(key).status_code == 200

    def test_dead_after_it_was_unmarked(self, api: AuthApi, alice: Any, letters: Mailbox) -> None:
        from accounts.services import addresses

        key = link_values(letters.only())["key"]
        assert api.verify_email(key).status_code == 200
        assert addresses.set_verified(User.objects.get(), False)
        assert api.verify_email(key).status_code == 400
        assert api.user(alice["access"]).json()["email_verified"] is False

    def test_resend(self, any_api: AuthApi, alice: Any, letters: Mailbox) -> None:
        letters.collect()
        known, unknown = any_api.resend("ALICE@example.org"), any_api.resend("nobody@example.org")
        assert (known.status_code, known.json(), unknown.content) == (200, {"detail": "ok"}, known.content)
        assert any_api.verify_email(link_values(letters.only())["key"]).status_code == 200
        assert any_api.resend("alice@example.org").content == known.content
        assert letters.collect() == []
