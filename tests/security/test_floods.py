"""Acts of strangers are counted by mailbox and by place (contract, Limits; OWASP ASVS 5.0, 2.4.1, 6.6.3)."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.core.context import Actor, ActorKind
from accounts.flows.log_in import log_in
from accounts.flows.request_password_reset import request_password_reset
from accounts.models import LimitCounter, Message, SecurityEvent, Session, User
from accounts.models.message import MessageKind
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex, error
from tests.clients.fastapi_users import FastAPIUsers
from tests.flows.context import client, refusal
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db
WRONG = "wrong-horse-9"
NOON = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=True):
        yield


def later(**passed: int) -> Any:
    return time_machine.travel(NOON + timedelta(**passed), tick=True)


def is_limited(answer: Any) -> bool:
    """Whether an answer of any dialect is a refusal by a limit."""
    if answer.status_code == 429:
        assert 0 < int(answer.headers["Retry-After"]) <= 86_400
        return True
    assert answer.status_code in (200, 201, 202, 400)
    return b"RATE_LIMITED" in answer.content


def mail_doors(address: str) -> list[Callable[[], Any]]:
    """Every request with which a stranger causes a mail to an address."""
    upper = address.upper()
    return [
        lambda: AuthApi().reset(address),
        lambda: AuthApi().resend(upper),
        lambda: FastAPIUsers().forgot_password(upper),
        lambda: FastAPIUsers().request_verify_token(address),
        lambda: Durudex().create_code(address),
        lambda: AuthApi().ask_for_code(upper),
        lambda: Client().post("/reset-password/again", {"email": address}),
        lambda: Client().post("/verify-email/again", {"email": address}),
    ]


class TestMailbox:
    @pytest.mark.parametrize("address", ["alice@example.org", "nobody@example.org"])
    def test_five_mails_an_hour_through_all_doors(self, alice: Any, rows: Any, address: str) -> None:
        # The verification mail of the registration was the first one.
        sent = 1 if address.startswith("alice") else 0
        doors = mail_doors(address)
        answers = [is_limited(door()) for door in doors[: 5 - sent]]
        assert answers == [False] * (5 - sent)
        before = rows()
        assert [is_limited(door()) for door in doors] == [True] * 8
        assert rows() == before

    def test_twenty_a_day(self, alice: Any) -> None:
        for hour in range(6):
            with later(hours=hour):
                for _ in range(6):
                    AuthApi().reset("alice@example.org")
        assert Message.objects.filter(to="alice@example.org").count() == 20

    def test_a_refused_registration_counts_no_mail(self, alice: Any) -> None:
        for _ in range(6):
            assert AuthApi().register("alice", "bob@example.org").status_code == 400
        assert AuthApi().register("bob").status_code == 201

    def test_administrators_are_not_counted(self, alice: Any) -> None:
        by_administrator = client(actor=Actor(kind=ActorKind.ADMINISTRATOR))
        for _ in range(30):
            request_password_reset(email="alice@example.org", context=by_administrator)
        assert Message.objects.filter(kind=MessageKind.PASSWORD_RESET).count() == 30


class TestPlace:
    @pytest.mark.parametrize(
        ("setting", "ask"),
        [
            ("REGISTRATIONS_PER_IP", lambda number: AuthApi().register(f"user{number}")),
            ("REGISTRATIONS_PER_IP", lambda number: FastAPIUsers().register(f"user{number}@example.org")),
            ("RESETS_PER_IP", lambda number: AuthApi().reset(f"user{number}@example.org")),
            ("RESETS_PER_IP", lambda number: FastAPIUsers().forgot_password(f"user{number}@example.org")),
            ("RESENDS_PER_IP", lambda number: AuthApi().resend(f"user{number}@example.org")),
            ("CODES_PER_IP", lambda number: Durudex().create_code(f"user{number}@example.org")),
            ("CODES_PER_IP", lambda number: AuthApi().ask_for_code(f"user{number}@example.org")),
            ("WRONG_KEYS_PER_IP", lambda number: AuthApi().verify_email("wrong")),
            ("WRONG_KEYS_PER_IP", lambda number: AuthApi().confirm_reset("wrong", "wrong", PASSWORD)),
            ("WRONG_KEYS_PER_IP", lambda number: FastAPIUsers().verify("wrong")),
            ("WRONG_KEYS_PER_IP", lambda number: FastAPIUsers().reset_password("wrong", PASSWORD)),
            ("WRONG_KEYS_PER_IP", lambda number: Client().post("/verify-email", {"key": "wrong"})),
            ("WRONG_KEYS_PER_IP", lambda number: Client().post("/not-me", {"key": "wrong"})),
            ("WRONG_PASSWORDS_PER_IP", lambda number: AuthApi().login(f"user{number}", WRONG)),
        ],
    )
    def test_as_many_as_the_setting_says(self, db: Any, settings: Any, setting: str, ask: Any) -> None:
        settings.LIMITS = {**settings.LIMITS, setting: 3}
        assert [is_limited(ask(number)) for number in range(5)] == [False] * 3 + [True] * 2
        with later(minutes=31):
            assert not is_limited(ask(5))

    def test_a_good_key_is_not_counted(self, alice: Any, api: AuthApi, letters: Mailbox, settings: Any) -> None:

        settings.LIMITS = {**settings.LIMITS, "WRONG_KEYS_PER_IP": 1}
        assert api.verify_email(**link_values(letters.only())).status_code == 200
        assert [api.verify_email("wrong").status_code for _ in range(2)] == [400, 429]

    def test_forged_headers_change_nothing(self, db: Any, settings: Any) -> None:
        settings.LIMITS = {**settings.LIMITS, "RESETS_PER_IP": 3}
        answers = [
            AuthApi(**{"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": f"198.51.100.{number}"}).reset(
                f"user{number}@example.org"
            )
            for number in range(4)
        ]
        assert [is_limited(answer) for answer in answers] == [False] * 3 + [True]

    def test_an_ipv6_client_is_its_network(self, db: Any, settings: Any) -> None:
        settings.LIMITS = {**settings.LIMITS, "RESETS_PER_IP": 1}

        def reset(ip: str) -> bool:
            return is_limited(
                AuthApi().call("POST", "password/reset/", {"email": f"x{len(ip)}@example.org"}, REMOTE_ADDR=ip)
            )

        assert [reset(ip) for ip in ("2001:db8::1", "2001:db8:0:0:ffff::2", "2001:db8:0:1::1")] == [False, True, False]
        # The form of IPv4 addresses at a server that listens to both.
        assert [reset(ip) for ip in ("::ffff:192.0.2.1", "::ffff:192.0.2.2", "192.0.2.1")] == [False, False, True]

    def test_who_is_refused_leaves_no_rows(self, db: Any, settings: Any, rows: Any) -> None:
        settings.REDIS_URL = ""
        settings.LIMITS = {**settings.LIMITS, "RESETS_PER_IP": 1}
        AuthApi().reset("user@example.org")
        before, counters = rows(), LimitCounter.objects.count()
        assert [is_limited(AuthApi().reset(f"user{number}@example.org")) for number in range(3)] == [True] * 3
        assert (rows(), LimitCounter.objects.count()) == (before, counters)


class TestKnownPlace:
    """The owner is not locked out by somebody who guesses elsewhere (OWASP ASVS 5.0, 6.1.1)."""

    def guess(self, number: int, *, ip: str) -> bool:
        body = {"username": "alice", "password": f"{WRONG}-{number}"}
        return is_limited(AuthApi().call("POST", "login/", body, REMOTE_ADDR=ip))

    def test_the_owner_gets_in_from_where_they_logged_in_before(self, alice: Any) -> None:
        # Ten are checked, over any number of addresses.
        guesses = [self.guess(number, ip=f"203.0.113.{number}") for number in range(30)]
        assert guesses == [False] * 10 + [True] * 20
        assert AuthApi().login("alice").status_code == 200
        elsewhere = {"username": "alice", "password": PASSWORD}
        assert AuthApi().call("POST", "login/", elsewhere, REMOTE_ADDR="198.51.100.1").status_code == 429

    def test_such_a_place_has_ten_an_hour(self, alice: Any) -> None:
        guesses = [self.guess(number, ip="127.0.0.1") for number in range(12)]
        assert guesses == [False] * 10 + [True] * 2
        assert not self.guess(12, ip="203.0.113.1")

    def test_after_thirty_days_it_is_a_place_like_others(self, alice: Any) -> None:
        with later(days=31):
            for number in range(10):
                self.guess(number, ip="203.0.113.1")
            assert is_limited(AuthApi().login("alice"))

    def test_a_reset_gets_in(self, alice: Any, letters: Mailbox) -> None:

        for number in range(11):
            self.guess(number, ip="203.0.113.1")
        letters.collect()
        assert AuthApi().reset("alice@example.org").status_code == 200
        values = link_values(letters.only())
        assert AuthApi().confirm_reset(values["uid"], values["token"], "battery-staple-7").status_code == 200

    def test_the_owner_gets_a_notice_once_a_day(self, alice: Any, letters: Mailbox) -> None:
        letters.collect()
        for number in range(14):
            self.guess(number, ip="203.0.113.1")
        letter = letters.only()
        assert (letter.to, letter.subject) == (["alice@example.org"], "Somebody tries to guess your password")
        assert "203.0.113.1" in letter.body
        assert SecurityEvent.objects.filter(kind="password_guessed", user__username="alice").count() == 1
        for passed, told in (({"hours": 2}, 0), ({"days": 1}, 1)):
            with later(**passed):
                for number in range(14):
                    self.guess(number, ip="203.0.113.1")
                assert len(letters.collect()) == told

    def test_one_who_guesses_at_many_accounts_tells_no_owner(self, alice: Any, settings: Any) -> None:
        settings.LIMITS = {**settings.LIMITS, "WRONG_PASSWORDS_PER_IP": 2}
        before = Message.objects.count()
        assert [self.guess(number, ip="203.0.113.1") for number in range(4)] == [False] * 2 + [True] * 2
        assert Message.objects.count() == before


class TestCodes:
    def test_twenty_five_wrong_codes_a_day(self, db: Any, settings: Any) -> None:
        settings.LIMITS = {**settings.LIMITS, "MAILS_PER_HOUR": 100, "MAILS_PER_DAY": 100, "REGISTRATIONS_PER_IP": 100}
        durudex = Durudex()
        words = []
        for _ in range(6):
            code = durudex.mailed_code("carol@example.org")
            wrong = f"{(int(code) + 1) % 10**6:06d}"
            words += [error(durudex.sign_up("carol", "carol@example.org", wrong))["code"] for _ in range(3)]
            refused = error(durudex.forgot_password("CAROL@example.org", wrong, PASSWORD))
            words += [refused["code"], error(durudex.sign_up("carol", "carol@example.org", wrong))["code"]]
        assert words == ["INVALID_ARGUMENT"] * 25 + ["RATE_LIMITED"] * 5
        # The right code is not checked either.
        assert error(durudex.sign_up("carol", "carol@example.org", code))["code"] == "RATE_LIMITED"

    def test_codes_of_both_kinds_are_counted_together(self, verified_alice: Any, settings: Any) -> None:
        settings.LIMITS = {**settings.LIMITS, "MAILS_PER_HOUR": 100, "MAILS_PER_DAY": 100}
        address, api, durudex = "alice@example.org", AuthApi(), Durudex()
        limited = []
        for _ in range(5):
            code = durudex.mailed_code(address)
            limited += [is_limited(durudex.forgot_password(address, f"x{code}", PASSWORD)) for _ in range(2)]
            code = api.login_code(address)
            limited += [is_limited(api.log_in_with_code("ALICE@example.org", f"x{code}")) for _ in range(4)]
        assert limited == [False] * 25 + [True] * 5
        sessions = Session.objects.count()
        # The right code is not checked either. The password still is.
        answer = api.log_in_with_code(address, code)
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert is_limited(durudex.forgot_password(address, durudex.mailed_code(address), PASSWORD))
        assert Session.objects.count() == sessions
        assert api.login("alice").status_code == 200

    def test_right_codes_to_log_in_do_not_count(self, verified_alice: Any, settings: Any) -> None:
        settings.LIMITS = {**settings.LIMITS, "WRONG_CODES_PER_DAY": 1}
        api = AuthApi()
        for _ in range(3):
            code = api.login_code("alice@example.org")
            assert api.log_in_with_code("alice@example.org", code).status_code == 200

    def test_right_codes_do_not_count(self, db: Any, settings: Any) -> None:
        settings.LIMITS = {**settings.LIMITS, "WRONG_CODES_PER_DAY": 1}
        durudex = Durudex()
        code = durudex.mailed_code("carol@example.org")
        assert "errors" not in durudex.sign_up("carol", "carol@example.org", code).json()
        code = durudex.mailed_code("carol@example.org")
        assert "errors" not in durudex.forgot_password("carol@example.org", code, "battery-staple-7").json()

    @pytest.mark.parametrize("role", ["is_staff", "is_superuser"])
    def test_staff_are_not_reset_by_six_digits(self, alice: Any, role: str) -> None:
        User.objects.update(**{role: True})
        before = User.objects.values().get()
        code = Durudex().mailed_code("alice@example.org")
        refused = error(Durudex().forgot_password("alice@example.org", code, "battery-staple-7"))
        assert refused["code"] == "NOT_FOUND"
        assert User.objects.values().get() == before


def test_a_refusal_of_the_flow_says_when(alice: Any) -> None:
    for _ in range(10):
        refusal(log_in, names=("alice",), password=WRONG)
    assert 1790 <= (refusal(log_in, names=("alice",), password=PASSWORD).retry_after or 0) <= 1800
