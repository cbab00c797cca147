"""A password is changed or reset over the AuthApi."""

from typing import Any

import pytest

from accounts.models import User
from tests.clients.authapi import NEW_PASSWORD, PASSWORD, AuthApi
from tests.clock import after
from tests.mailbox import Mailbox, link, link_values

pytestmark = pytest.mark.django_db


class TestPasswordChange:
    def test_ends_other_sessions(self, api: AuthApi, alice: Any) -> None:
        other = api.login("alice").json()
        assert api.change_password(alice["access"], PASSWORD, NEW_PASSWORD).status_code == 200
        assert api.user(alice["access"]).status_code == 200
        assert api.refresh(alice["refresh"]).status_code == 200
        assert api.user(other["access"]).status_code == 401
        assert api.refresh(other["refresh"]).status_code == 401
        assert api.login("alice").status_code == 400
        assert api.login("alice", NEW_PASSWORD).status_code == 200

    @pytest.mark.parametrize(
        ("old", "new", "errors"),
        [
            (
                "wrong-horse-9",
                NEW_PASSWORD,
                {"old_password": ["Your old password was entered incorrectly. Please enter it again."]},
            ),
            (PASSWORD, "1234567890", {"new_password2": ["This password is too common."]}),
            (PASSWORD, "alice@example", {"new_password2": ["The password is too similar to the e-mail."]}),
        ],
    )
    def test_refusals(self, any_api: AuthApi, alice: Any, old: str, new: str, errors: dict[str, Any]) -> None:
        other = any_api.login("alice").json()
        answer = any_api.change_password(alice["access"], old, new)
        assert (answer.status_code, answer.json()) == (400, errors)
        assert any_api.user(other["access"]).status_code == 200
        assert any_api.login("alice").status_code == 200

    def test_needs_token_and_old_password(self, api: AuthApi, alice: Any) -> None:
        body = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
        assert api.call("POST", "password/change/", body).status_code == 401
        answer = api.call("POST", "password/change/", body, token=alice["access"])
        assert (answer.status_code, answer.json()) == (400, {"old_password": ["This field is required."]})


class TestPasswordReset:
    def test_same_answer_for_unknown(self, any_api: AuthApi, alice: Any, letters: Mailbox) -> None:
        letters.collect()
        known, unknown = any_api.reset("Alice@example.org"), any_api.reset("nobody@example.org")
        assert (known.status_code, unknown.status_code) == (200, 200)
        assert known.content == unknown.content
        assert letters.only().to == ["alice@example.org"]

    def test_ends_every_session_and_works_once(self, api: AuthApi, alice: Any, letters: Mailbox) -> None:
        letters.collect()
        api.reset("alice@example.org")
        values = link_values(letters.only())
        assert api.confirm_reset(**values, new=NEW_PASSWORD).status_code == 200
        assert api.user(alice["access"]).status_code == 401
        assert api.refresh(alice["refresh"]).status_code == 401
        again = api.confirm_reset(**values, new="third-horse-99")
        assert (again.status_code, again.json()) == (400, {"token": ["This reset link is wrong, used or expired."]})
        assert api.login("alice", NEW_PASSWORD).status_code == 200

    def test_one_message_for_bad_uid_and_bad_token(self, api: AuthApi, alice: Any, letters: Mailbox) -> None:
        letters.collect()
        api.reset("alice@example.org")
        values = link_values(letters.only())
        answers = [
            api.confirm_reset(values["uid"], "c1-0123456789", NEW_PASSWORD),
            api.confirm_reset("MQ", values["token"], NEW_PASSWORD),
            api.confirm_reset("éé", "x", NEW_PASSWORD),
        ]
        assert {(answer.status_code, answer.content) for answer in answers} == {(400, answers[0].content)}
        assert api.login("alice").status_code == 200

    def test_weak_password_does_not_spend_the_token(self, api: AuthApi, alice: Any, letters: Mailbox) -> None:
        letters.collect()
        api.reset("alice@example.org")
        values = link_values(letters.only())
        weak = api.confirm_reset(**values, new="password1")
        assert (weak.status_code, weak.json()) == (400, {"new_password2": ["This password is too common."]})
        assert api.confirm_reset(**values, new=NEW_PASSWORD).status_code == 200

    def test_lives_an_hour(self, api: AuthApi, alice: Any, letters: Mailbox) -> None:
        letters.collect()
        api.reset("alice@example.org")
        values = link_values(letters.only())
        with after(seconds=3605):
            assert api.confirm_reset(**values, new=NEW_PASSWORD).status_code == 400
        with after(seconds=3590):
            assert api.confirm_reset(**values, new=NEW_PASSWORD).status_code == 200

    def test_inactive_account_gets_nothing(self, api: AuthApi, alice: Any, letters: Mailbox) -> None:
        letters.collect()
        User.objects.update(is_active=False)
        assert api.reset("alice@example.org").status_code == 200
        assert letters.collect() == []

    def test_link_does_not_follow_the_host(self, api: AuthApi, alice: Any, letters: Mailbox) -> None:
        letters.collect()
        headers = {"Host": "localhost", "X-Forwarded-Host": "evil.test"}
        assert api.call("POST", "password/reset/", {"email": "alice@example.org"}, headers=headers).status_code == 200
        assert link(letters.only()).startswith("http://127.0.0.1:8000/reset-password?")
