"""Logging in with a mailed code: login/code/ and login/code/confirm/."""

import re
from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.core import clock
from accounts.models import Challenge, LoginCode, Message, SecurityEvent, Session, User, VerificationCode
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex, code_in, error
from tests.mailbox import Mailbox, link_values
from tests.second_factors import enrol
from tests.statements import Statements

pytestmark = pytest.mark.django_db
ALICE = "alice@example.org"
NEW = "battery-staple-7"
INVALID = (400, "invalid_code")


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def stored() -> list[Any]:
    """Everything that a refusal must not change. Its event and the tries of the code are left out."""
    tables = (User, EmailAddress, Session, Challenge, Message)
    return [list(table._default_manager.order_by("pk").values()) for table in tables]


class TestJourney:
    def test_a_login(self, api: AuthApi, verified_alice: Any, letters: Mailbox) -> None:
        User.objects.update(last_visit=clock.now() - timedelta(days=1))
        answer = api.ask_for_code(ALICE)
        sent = "If one can log in with this address, a code has been sent to it."
        assert (answer.status_code, answer.json()) == (200, {"detail": sent})
        answer = api.log_in_with_code(ALICE, code_in(letters.only()))
        assert (answer.status_code, answer.json()["user"]["username"]) == (200, "alice")
        assert api.user(answer.json()["access"]).status_code == 200
        claims = jwt.decode(answer.json()["access"], options={"verify_signature": False})
        assert claims["amr"] == ["otp"]
        session = Session.objects.latest("started_at")
        assert (str(session.pk), session.amr, session.kind) == (claims["sid"], "otp", "api")
        assert User.objects.get().last_visit == session.started_at
        kinds = list(SecurityEvent.objects.order_by("id").values_list("kind", "user__username"))
        assert kinds[-2:] == [("code_requested", "alice"), ("logged_in", "alice")]

    @pytest.mark.parametrize("body", ["json", "form", "multipart"])
    def test_every_kind_of_body_and_spelling(self, body: str, verified_alice: Any, letters: Mailbox) -> None:
        api = AuthApi(body)
        assert api.ask_for_code(" Alice@EXAMPLE.org ").status_code == 200
        letter = letters.only()
        # As its owner wrote it.
        assert letter.to == [ALICE]
        assert api.log_in_with_code("ALICE@example.org", f" {code_in(letter)} ").status_code == 200

    def test_a_code_is_spent_once(self, api: AuthApi, verified_alice: Any) -> None:
        code = api.login_code(ALICE)
        assert api.log_in_with_code(ALICE, code).status_code == 200
        before = stored()
        assert refused(api.log_in_with_code(ALICE, code)) == INVALID
        assert stored() == before
        assert SecurityEvent.objects.latest("id").kind == "code_refused"

    def test_a_newer_code_replaces_the_one_before(self, api: AuthApi, verified_alice: Any) -> None:
        first = api.login_code(ALICE)
        while (second := api.login_code(ALICE)) == first:
            pass
        assert refused(api.log_in_with_code(ALICE, first)) == INVALID
        assert api.log_in_with_code(ALICE, second).status_code == 200

    def test_ten_minutes(self, api: AuthApi, verified_alice: Any) -> None:
        with time_machine.travel(clock.now(), tick=False) as present:
            code = api.login_code(ALICE)
            present.shift(timedelta(minutes=10))
            assert refused(api.log_in_with_code(ALICE, code)) == INVALID
            present.shift(timedelta(microseconds=-1))
            assert api.log_in_with_code(ALICE, code).status_code == 200

    def test_five_tries(self, api: AuthApi, verified_alice: Any) -> None:
        code = api.login_code(ALICE)
        before = stored()
        for _ in range(5):
            assert refused(api.log_in_with_code(ALICE, wrong(code))) == INVALID
        assert refused(api.log_in_with_code(ALICE, code)) == INVALID
        assert (stored(), LoginCode.objects.get().tries) == (before, 5)

    def test_where_verification_is_mandatory(self, api: AuthApi, verified_alice: Any, settings: Any) -> None:
        settings.EMAIL_VERIFICATION = "mandatory"
        assert api.log_in_with_code(ALICE, api.login_code(ALICE)).status_code == 200


class TestMail:
    @pytest.mark.parametrize(
        ("language", "subject", "told"),
        [
            ("en", "Your code to log in", "Whoever has it gets into your account: tell it to nobody"),
            ("ru", "Ваш код для входа", "не сообщайте его никому"),
            ("uk", "Ваш код для входу", "не повідомляйте його нікому"),
        ],
    )
    def test_text(self, language: str, subject: str, told: str, verified_alice: Any, letters: Mailbox) -> None:
        AuthApi(**{"Accept-Language": language}).ask_for_code(ALICE)
        row = Message.objects.latest("id")
        assert (row.kind, row.expires_at) == ("login_code", row.created_at + timedelta(minutes=10))
        letter = letters.only()
        assert (letter.subject, letter.to) == (subject, [ALICE])
        (html,) = [str(content) for content, _kind in letter.alternatives]  # type: ignore[attr-defined]
        for text in (letter.body, html):
            assert told in text
            assert "alice" in text
            assert "10" in text
            assert code_in(letter) in text
        assert not re.search(r"\d{6}", letter.subject)


class TestPurposes:
    """A code for one purpose does not work for another."""

    def test_a_code_for_signing_up_does_not_log_in(self, api: AuthApi, verified_alice: Any) -> None:
        code = Durudex().mailed_code(ALICE)
        before = stored()
        assert refused(api.log_in_with_code(ALICE, code)) == INVALID
        assert stored() == before
        # It does not work either if there is also a code to log in.
        asked = api.login_code(ALICE)
        if code != asked:
            assert refused(api.log_in_with_code(ALICE, code)) == INVALID
        LoginCode.objects.update(code_hash=VerificationCode.objects.get().code_hash)
        assert refused(api.log_in_with_code(ALICE, code)) == INVALID
        # It was not touched.
        assert "errors" not in Durudex().forgot_password(ALICE, code, NEW).json()

    @pytest.mark.parametrize("older", [False, True])
    def test_a_code_to_log_in_resets_nothing(self, older: bool, api: AuthApi, verified_alice: Any) -> None:
        code = api.login_code(ALICE)
        before = stored()
        assert error(Durudex(older=older).forgot_password(ALICE, code, NEW))["code"] == "INVALID_ARGUMENT"
        assert stored() == before
        assert api.log_in_with_code(ALICE, code).status_code == 200

    @pytest.mark.parametrize("older", [False, True])
    def test_a_login_code_does_not_sign_up(self, older: bool, api: AuthApi, verified_alice: Any) -> None:
        code = api.login_code(ALICE)
        User.objects.all().delete()
        assert error(Durudex(older=older).sign_up("alice", ALICE, code))["code"] == "INVALID_ARGUMENT"
        assert User.objects.count() == 0


class TestWhoGetsNone:
    @pytest.fixture(params=["unknown", "unverified", "inactive", "staff", "superuser"])
    def email(self, request: Any, verified_alice: Any, api: AuthApi, letters: Mailbox) -> str:
        changes = {
            "inactive": {"is_active": False},
            "staff": {"is_staff": True},
            "superuser": {"is_superuser": True},
        }
        if request.param == "unknown":
            return "nobody@example.org"
        if request.param == "unverified":
            api.register("bob")
            letters.collect()
            return "bob@example.org"
        User.objects.update(**changes[request.param])
        return ALICE

    def test_the_mail_is_thrown_away(self, email: str, api: AuthApi, letters: Mailbox) -> None:
        answer = api.ask_for_code(email)
        assert (answer.status_code, list(answer.json())) == (200, ["detail"])
        row = Message.objects.latest("id")
        assert (row.kind, row.to, row.user) == ("login_code", "", None)
        assert letters.collect() == []
        row.refresh_from_db()
        assert (row.state, row.text) == ("discarded", "")

    def test_a_right_code_is_refused_and_counted(self, email: str, api: AuthApi, settings: Any) -> None:
        settings.LIMITS = {**settings.LIMITS, "WRONG_CODES_PER_DAY": 1}
        with time_machine.travel("2026-11-26T12:00:00Z"):
            api.ask_for_code(email)
            (code,) = re.findall(r"^(\d{6})$", Message.objects.latest("id").text, re.MULTILINE)
            before = stored()
            assert refused(api.log_in_with_code(email, code)) == INVALID
            assert stored() == before
            assert SecurityEvent.objects.latest("id").kind == "code_refused"
            assert api.log_in_with_code(email, code).status_code == 429


class TestWhatHappensMeanwhile:
    """A user who may no longer use a code after it was mailed cannot log in with it."""

    @pytest.mark.parametrize("role", [{"is_staff": True}, {"is_superuser": True}, {"is_active": False}])
    def test_another_role(self, role: dict[str, bool], api: AuthApi, verified_alice: Any) -> None:
        code = api.login_code(ALICE)
        User.objects.update(**role)
        before = stored()
        assert refused(api.log_in_with_code(ALICE, code)) == INVALID
        assert stored() == before

    def test_an_address_that_is_marked_as_not_verified(self, api: AuthApi, verified_alice: Any) -> None:
        code = api.login_code(ALICE)
        EmailAddress.objects.update(verified=False)
        assert refused(api.log_in_with_code(ALICE, code)) == INVALID

    def test_a_reset(self, api: AuthApi, verified_alice: Any, letters: Mailbox) -> None:
        code = api.login_code(ALICE)
        api.reset(ALICE)
        values = link_values(letters.only())
        assert api.confirm_reset(values["uid"], values["token"], NEW).status_code == 200
        before = stored()
        assert refused(api.log_in_with_code(ALICE, code)) == INVALID
        assert stored() == before

    def test_this_was_not_me(self, api: AuthApi, verified_alice: Any, letters: Mailbox) -> None:
        assert api.change_password(verified_alice["access"], PASSWORD, NEW).status_code == 200
        notice = letters.only()
        code = api.login_code(ALICE)
        assert Client().post("/not-me", link_values(notice)).status_code == 200
        before = stored()
        assert refused(api.log_in_with_code(ALICE, code)) == INVALID
        assert stored() == before

    def test_an_account_that_took_the_address(self, api: AuthApi, verified_alice: Any) -> None:
        code = api.login_code(ALICE)
        User.objects.all().delete()
        api.register("mallory", ALICE)
        EmailAddress.objects.update(verified=True)
        assert refused(api.log_in_with_code(ALICE, code)) == INVALID


def test_a_login_with_the_password_leaves_the_code(api: AuthApi, verified_alice: Any) -> None:
    code = api.login_code(ALICE)
    assert api.login("alice").status_code == 200
    assert api.log_in_with_code(ALICE, code).status_code == 200


def test_the_code_of_another(api: AuthApi, verified_alice: Any, letters: Mailbox) -> None:
    api.register("bob")
    api.verify_email(**link_values(letters.only()))
    alices, bobs = api.login_code(ALICE), api.login_code("bob@example.org")
    if alices != bobs:
        before = stored()
        assert refused(api.log_in_with_code(ALICE, bobs)) == INVALID
        assert refused(api.log_in_with_code("bob@example.org", alices)) == INVALID
        assert stored() == before
    LoginCode.objects.filter(email_key=ALICE).update(
        code_hash=LoginCode.objects.get(email_key="bob@example.org").code_hash
    )
    assert refused(api.log_in_with_code(ALICE, bobs)) == INVALID
    assert api.log_in_with_code("bob@example.org", bobs).json()["user"]["username"] == "bob"


class TestSecondFactor:
    def test_it_is_asked_for(self, api: AuthApi, verified_alice: Any, letters: Mailbox, settings: Any) -> None:
        settings.LIMITS = {**settings.LIMITS, "WRONG_CODES_PER_DAY": 1}
        authenticator = enrol(verified_alice["access"])
        letters.collect()
        code = api.login_code(ALICE)
        sessions = Session.objects.count()
        asked = api.log_in_with_code(ALICE, code)
        assert refused(asked) == (403, "mfa_required")
        assert (asked.json()["factors"], Session.objects.count()) == (["totp", "recovery_code"], sessions)
        # The code is spent, and was no offence.
        body = {"challenge": asked.json()["challenge"], "code": authenticator.next()}
        answer = api.call("POST", "mfa/verify/", body)
        assert answer.status_code == 200
        assert Session.objects.latest("started_at").amr == "otp totp"
        assert refused(api.log_in_with_code(ALICE, code)) == INVALID

    def test_another_mailed_code_is_no_second_factor(self, api: AuthApi, verified_alice: Any, letters: Mailbox) -> None:
        enrol(verified_alice["access"])
        letters.collect()
        challenge = api.log_in_with_code(ALICE, api.login_code(ALICE)).json()["challenge"]
        sessions = Session.objects.count()
        answer = api.call("POST", "mfa/verify/", {"challenge": challenge, "code": api.login_code(ALICE)})
        assert refused(answer) == INVALID
        assert Session.objects.count() == sessions

    def test_who_must_have_one_can_only_add_it(self, api: AuthApi, verified_alice: Any, settings: Any) -> None:
        settings.MFA = "required"
        access = api.log_in_with_code(ALICE, api.login_code(ALICE)).json()["access"]
        answer = api.call("GET", "sessions/", token=access)
        assert refused(answer) == (403, "mfa_enrolment_required")
        assert api.call("GET", "mfa/status/", token=access).status_code == 200


@pytest.mark.parametrize(
    "code", ["x", "12345", "1234567", "１２３４５６", "-12345", "1e5", "x" * 5000, "1" * 100_000, "000000\n000000"]
)
def test_invalid_codes_are_refused(code: str, api: AuthApi, verified_alice: Any) -> None:
    right = api.login_code(ALICE)
    before = stored()
    assert refused(api.log_in_with_code(ALICE, code)) == INVALID
    assert stored() == before
    assert api.log_in_with_code(ALICE, right).status_code == 200


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"email", "code"}),
        ({"email": ALICE}, {"code"}),
        ({"code": "123456"}, {"email"}),
        ({"email": ALICE, "code": 123456}, {"code"}),
        ({"email": ALICE, "code": "\0"}, {"code"}),
        ({"email": ALICE, "code": ""}, {"code"}),
        ({"email": [ALICE], "code": "123456"}, {"email"}),
        ({"email": "alice", "code": "123456"}, {"email"}),
        ({"email": "a" * 250 + "@example.org", "code": "123456"}, {"email"}),
    ],
)
def test_invalid_bodies_change_nothing(body: dict[str, Any], fields: set[str], api: AuthApi, rows: Any) -> None:
    before = rows()
    for path in ("login/code/", "login/code/confirm/"):
        told = fields - {"code"} if path == "login/code/" else fields
        if not told:
            continue
        answer = api.call("POST", path, body)
        assert answer.status_code == 400
        # `code` is the kind of the refusal, not a field.
        assert set(answer.json()) == {"non_field_errors" if name == "code" else name for name in told}
    assert (rows(), LoginCode.objects.count()) == (before, 0)


def test_a_wrong_code_costs_the_same_for_every_address(api: AuthApi, verified_alice: Any) -> None:
    def cost(email: str) -> tuple[int, bytes, int]:
        events = SecurityEvent.objects.count()
        with Statements() as statements:
            answer = api.log_in_with_code(email, "x")
        return len(statements), answer.content, SecurityEvent.objects.count() - events

    assert cost(ALICE) == cost("nobody@example.org")
    for email in (ALICE, "nobody@example.org"):
        api.ask_for_code(email)
    known = cost(ALICE)
    assert known == cost("nobody@example.org")
    User.objects.update(is_staff=True)
    assert known == cost(ALICE)
