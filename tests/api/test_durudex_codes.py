"""Codes of Durudex: requested, and spent by signUp and forgotPassword."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Message, Session, User, VerificationCode
from tests.clients.authapi import NEW_PASSWORD, AuthApi
from tests.clients.durudex import Durudex, code_in, error, word
from tests.clock import after
from tests.mailbox import Mailbox
from tests.statements import Statements

pytestmark = pytest.mark.django_db
CAROL = "carol@example.org"


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


class TestCode:
    def test_same_for_every_address(self, durudex: Durudex, carol: Any, letters: Mailbox) -> None:
        VerificationCode.objects.all().delete()
        answers, counts = [], []
        for email in (CAROL, "nobody@example.org", "CAROL@example.org"):
            with Statements() as statements:
                answers.append(durudex.create_code(email))
            counts.append(len(statements))
            assert Message.objects.filter(kind="verification_code").latest("id").to != ""
        assert {answer.content for answer in answers} == {b'{"data": {"createVerifyEmailCode": true}}'}
        assert len(set(counts)) == 1, counts
        assert [letter.to for letter in letters.collect()] == [[CAROL], ["nobody@example.org"], [CAROL]]

    def test_mail(self, durudex: Durudex, letters: Mailbox) -> None:
        durudex.create_code(CAROL)
        message = Message.objects.get()
        assert message.expires_at - message.created_at == timezone.timedelta(minutes=10)
        letter = letters.only()
        assert (letter.subject, letter.to) == ("Your verification code", [CAROL])
        html = letter.alternatives[0].content
        assert code_in(letter) in html

    def test_no_mail_after_its_time(self, durudex: Durudex, letters: Mailbox) -> None:
        durudex.create_code(CAROL)
        with after(minutes=10, seconds=1):
            assert letters.collect() == []

    @pytest.mark.parametrize("email", ["", "nobody", "a@b", "x" * 250 + "@example.org", "a\r\n@example.org"])
    def test_bad_address(self, durudex: Durudex, unchanged: Any, email: str) -> None:
        refused = error(durudex.create_code(email))
        assert refused["code"] == "INVALID_ARGUMENT"
        assert set(refused["fields"]) == {"email"}
        assert unchanged()

    @pytest.mark.parametrize("email", [CAROL, "nobody@example.org"])
    def test_limit(self, durudex: Durudex, carol: Any, rows: Any, settings: Any, email: str) -> None:
        # In the middle of another hour and day than the registration, because limits count from full hours.
        with time_machine.travel(datetime(2027, 6, 15, 12, 30, tzinfo=UTC), tick=False):
            for _ in range(5):
                assert "errors" not in durudex.create_code(email).json()
            before = rows()
            refused = error(durudex.create_code(email.upper()))
            assert (refused["code"], refused["retryAfter"]) == ("RATE_LIMITED", 1800)
            assert rows() == before
            settings.RATE_LIMITS = "off"
            assert "errors" not in durudex.create_code(email).json()

    @pytest.mark.parametrize("declared", ["Code!", "Int!", "String!"])
    def test_as_a_variable(self, either: Durudex, declared: str) -> None:
        code = either.mailed_code(CAROL)
        query = f"""mutation ($code: {declared}) {{
            forgotPassword(input: {{email: "{CAROL}", password: "{NEW_PASSWORD}", code: $code}})
        }}"""
        value = int(code) if declared == "Int!" else code
        assert word(either.run(query, {"code": value})) == "NOT_FOUND"
        assert word(either.run(query, {"code": True})) == "INVALID_ARGUMENT"
        assert word(either.run(query, {"code": None})) == "INVALID_ARGUMENT"

    def test_leading_zeros(self, either: Durudex) -> None:
        with patch("accounts.services.codes.secrets.randbelow", return_value=42):
            code = either.mailed_code(CAROL)
        assert code == "000042"
        assert word(either.forgot_password(CAROL, "42", NEW_PASSWORD)) == "INVALID_ARGUMENT"
        assert word(either.forgot_password(CAROL, "000042", NEW_PASSWORD)) == "NOT_FOUND"
        assert word(either.forgot_password(CAROL, 42, NEW_PASSWORD)) == "NOT_FOUND"
        literal = f'mutation {{ forgotPassword(input: {{email: "{CAROL}", password: "{NEW_PASSWORD}", code: %s}}) }}'
        assert word(either.run(literal % "42")) == "NOT_FOUND"
        assert word(either.run(literal % '"000042"')) == "NOT_FOUND"
        for broken in ("000042", "4.2", "true", "null", "[42]", "{a: 1}", "CODE"):
            assert error_words(either.run(literal % broken)) == {"INVALID_ARGUMENT"}


def error_words(response: Any) -> set[str]:
    return {one["extensions"]["code"] for one in response.json()["errors"]}


class TestSignUp:
    def test_makes_a_verified_account(self, either: Durudex) -> None:
        either.register("carol")
        user = User.objects.with_address().get()
        assert (user.username, user.email, user.email_verified, user.is_staff) == ("carol", CAROL, True, False)
        if either.older:
            # Its answer contains no tokens, so nothing could use a session.
            assert Session.objects.count() == 0
        else:
            session = Session.objects.get()
            assert (session.dialect, session.kind, session.amr) == ("durudex", "api", "pwd otp")

    def test_works_where_verification_is_mandatory(self, durudex: Durudex, settings: Any) -> None:
        settings.EMAIL_VERIFICATION = "mandatory"
        assert "errors" not in durudex.register("carol").json()
        assert "errors" not in durudex.login("carol").json()

    def test_code_works_once(self, durudex: Durudex, rows: Any) -> None:
        code = durudex.mailed_code(CAROL)
        assert "errors" not in durudex.sign_up("carol", CAROL, code).json()
        refused = error(durudex.sign_up("dave", CAROL, code))
        assert refused == {"code": "INVALID_ARGUMENT", "fields": {"code": ["This code is wrong, used or expired."]}}
        assert User.objects.count() == 1

    def test_right_code_after_five_wrong_ones(self, durudex: Durudex) -> None:
        code = durudex.mailed_code(CAROL)
        for _ in range(5):
            assert word(durudex.sign_up("carol", CAROL, wrong(code))) == "INVALID_ARGUMENT"
        assert word(durudex.sign_up("carol", CAROL, code)) == "INVALID_ARGUMENT"
        assert User.objects.count() == 0
        assert "errors" not in durudex.register("carol").json()

    def test_tries_are_one_count_for_both_purposes(self, durudex: Durudex) -> None:
        code = durudex.mailed_code(CAROL)
        for _ in range(3):
            durudex.sign_up("carol", CAROL, wrong(code))
        for _ in range(2):
            durudex.forgot_password(CAROL, wrong(code), NEW_PASSWORD)
        assert word(durudex.sign_up("carol", CAROL, code)) == "INVALID_ARGUMENT"

    def test_refused_sign_up_does_not_spend_the_code(self, durudex: Durudex, alice: Any, rows: Any) -> None:
        code = durudex.mailed_code(CAROL)
        before = rows()
        for _ in range(6):
            refused = error(durudex.sign_up("ALICE", CAROL, code))
            assert refused == {
                "code": "ALREADY_EXISTS",
                "fields": {"username": ["A user with that username already exists."]},
            }
        assert word(durudex.sign_up("carol", CAROL, code, "password1")) == "INVALID_ARGUMENT"
        assert rows() == before
        assert "errors" not in durudex.sign_up("carol", CAROL, code).json()

    def test_taken_address(self, durudex: Durudex, alice: Any, rows: Any) -> None:
        code = durudex.mailed_code("alice@example.org")
        before = rows()
        refused = error(durudex.sign_up("carol", "Alice@example.org", code))
        assert refused == {
            "code": "ALREADY_EXISTS",
            "fields": {"email": ["A user is already registered with this e-mail address."]},
        }
        assert rows() == before
        # Without a code nobody learns that the address is taken.
        assert word(durudex.sign_up("carol", "alice@example.org", wrong(code))) == "INVALID_ARGUMENT"

    def test_bad_values_are_refused_by_field(self, durudex: Durudex, unchanged: Any) -> None:
        refused = durudex.sign_up("a@b", "nobody", "123456", "short-7")
        assert refused.json()["errors"][0]["message"] == "A username cannot contain @."
        assert error(refused) == {
            "code": "INVALID_ARGUMENT",
            "fields": {
                "username": ["A username cannot contain @."],
                "email": ["Enter a valid email address."],
                "password": ["This password is too short. It must contain at least 8 characters."],
            },
        }
        assert unchanged()

    def test_messages_follow_the_language(self, durudex: Durudex, alice: Any) -> None:
        durudex.headers = {"Accept-Language": "ru"}
        query = 'mutation { signIn(input: {username: "alice", password: "wrong-horse-9"}) { access } }'
        message = durudex.run(query).json()["errors"][0]["message"]
        assert message == "Невозможно войти с предоставленными учётными данными."


class TestForgotPassword:
    def test_verifies_and_ends_every_session(self, either: Durudex, api: AuthApi, alice: Any, letters: Mailbox) -> None:
        code = either.mailed_code("alice@example.org")
        assert "errors" not in either.forgot_password("Alice@example.org", code, NEW_PASSWORD).json()
        assert api.user(alice["access"]).status_code == 401
        assert api.refresh(alice["refresh"]).status_code == 401
        assert api.login("alice").status_code == 400
        assert api.login("alice", NEW_PASSWORD).json()["user"]["email_verified"] is True
        assert word(either.forgot_password("alice@example.org", code, "third-horse-99")) == "INVALID_ARGUMENT"

    def test_unknown_and_inactive(self, durudex: Durudex, alice: Any, rows: Any) -> None:
        User.objects.update(is_active=False)
        for email in ("alice@example.org", "nobody@example.org"):
            code = durudex.mailed_code(email)
            before = rows()
            assert word(durudex.forgot_password(email, code, NEW_PASSWORD)) == "NOT_FOUND"
            assert rows() == before
            assert word(durudex.forgot_password(email, wrong(code), NEW_PASSWORD)) == "INVALID_ARGUMENT"

    def test_weak_password_does_not_spend_the_code(self, durudex: Durudex, alice: Any) -> None:
        code = durudex.mailed_code("alice@example.org")
        for weak in ("password1", "alice@example"):
            for _ in range(3):
                refused = error(durudex.forgot_password("alice@example.org", code, weak))
                assert set(refused["fields"]) == {"password"}
        assert "errors" not in durudex.forgot_password("alice@example.org", code, NEW_PASSWORD).json()

    def test_password_like_the_name_is_refused(self, durudex: Durudex, api: AuthApi) -> None:
        api.register("secret-name", email="plain@example.org")
        code = durudex.mailed_code("plain@example.org")
        refused = error(durudex.forgot_password("plain@example.org", code, "secret-name"))
        assert refused["fields"] == {"password": ["The password is too similar to the username."]}

    def test_says_nothing_of_the_account_without_the_code(self, durudex: Durudex, api: AuthApi) -> None:
        api.register("secret-name", email="plain@example.org")
        known = durudex.forgot_password("plain@example.org", "123456", "secret-name")
        unknown = durudex.forgot_password("other@example.org", "123456", "secret-name")
        assert known.content == unknown.content

    def test_costs_the_same_for_every_address(self, durudex: Durudex, alice: Any) -> None:
        counts = []
        for email in ("alice@example.org", "nobody@example.org"):
            with Statements() as statements:
                durudex.forgot_password(email, "123456", NEW_PASSWORD)
            counts.append(len(statements))
        assert counts[0] == counts[1]
