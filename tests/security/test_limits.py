"""Guesses and waiting are limited (OWASP ASVS 5.0, 6.3.1, 15.2.2; contract, Limits)."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.core.conf import conf
from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.purge_expired import purge_expired
from accounts.models import LimitCounter, User
from accounts.services import limits, passwords
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex, error
from tests.clients.fastapi_users import FastAPIUsers
from tests.concurrency.race import race
from tests.mailbox import Mailbox, link_values

WRONG = "wrong-horse-9"
# The middle of an hour, so that no window ends while a test runs.
NOON = timezone.datetime(2026, 11, 25, 12, 30, tzinfo=timezone.get_default_timezone())


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=True):
        yield


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password that was checked."""
    seen: list[str] = []
    verify = passwords.verify

    def noted(password: str, user: User | None) -> passwords.Verdict:
        seen.append(password)
        return verify(password, user)

    monkeypatch.setattr(passwords, "verify", noted)
    return seen


def doors(name: str) -> list[Callable[[], Any]]:
    """A wrong password at every door, in every spelling of the account."""
    address = f"{name}@example.org"
    return [
        lambda: AuthApi().login(name.upper(), WRONG),
        lambda: AuthApi(**{"X-Forwarded-For": "203.0.113.7"}).login(address.upper(), WRONG, field="email"),
        lambda: FastAPIUsers().login(address, WRONG),
        lambda: FastAPIUsers().cookie_login(address, WRONG),
        lambda: Durudex().login(name, WRONG),
        lambda: Client().post("/admin/login/", {"username": name, "password": WRONG}),
    ]


@pytest.mark.django_db
class TestWrongPasswords:
    @pytest.mark.parametrize("name", ["alice", "nobody"])
    def test_ten_an_hour_at_all_doors_together(self, alice: Any, rows: Any, looked_at: list[str], name: str) -> None:
        # Three spellings of an unknown name are three names. Three spellings of a known name are one account.
        knock = doors(name) if name == "alice" else [lambda: AuthApi().login("nobody", WRONG)] * 6
        for number in range(10):
            answer = knock[number % 6]()
            assert answer.status_code in (200, 400)
        assert len(looked_at) == 10
        before = rows()
        answers = [door() for door in doors(name)]
        if name == "alice":
            assert [answer.status_code for answer in answers] == [429, 429, 429, 429, 200, 429]
            assert error(answers[4])["code"] == "RATE_LIMITED"
            assert answers[2].json() == {"detail": "RATE_LIMITED"}
            assert len(looked_at) == 10
            # The owner is told once.
            assert rows() == {**before, "SecurityEvent": before["SecurityEvent"] + 1, "Message": before["Message"] + 1}
        limited = answers[0]
        assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
        assert limited.json()["detail"] == "Too many requests. Try again later."
        assert 1795 <= int(limited.headers["Retry-After"]) <= 1800

    def test_every_answer_says_when(self, alice: Any) -> None:
        for _ in range(10):
            AuthApi().login("alice", WRONG)
        for answer in (door() for door in doors("alice")):
            assert 1790 <= int(answer.headers["Retry-After"]) <= 1800

    def test_the_right_one_is_not_looked_at_either_and_is_after_the_hour(
        self, api: AuthApi, alice: Any, looked_at: list[str]
    ) -> None:
        for _ in range(10):
            api.login("alice", WRONG)
        assert api.login("alice").status_code == 429
        assert PASSWORD not in looked_at
        with time_machine.travel(NOON + timezone.timedelta(minutes=31), tick=True):
            assert api.login("alice").status_code == 200

    def test_fifty_a_day(self, api: AuthApi, alice: Any, looked_at: list[str]) -> None:
        for hour in range(6):
            with time_machine.travel(NOON + timezone.timedelta(hours=hour), tick=True):
                for _ in range(12):
                    last = api.login("alice", WRONG)
        assert len(looked_at) == 50
        assert 6 * 3600 < int(last.headers["Retry-After"]) <= 12 * 3600

    def test_old_passwords_count(self, api: AuthApi, alice: Any, looked_at: list[str]) -> None:
        answers = [api.change_password(alice["access"], WRONG, "battery-staple-7") for _ in range(11)]
        assert [answer.status_code for answer in answers] == [400] * 10 + [429]
        assert api.login("alice").status_code == 429
        assert len(looked_at) == 10

    def test_old_passwords_in_the_admin_count(self, alice: Any, looked_at: list[str]) -> None:
        User.objects.update(is_staff=True)
        browser = Client()
        assert browser.post("/admin/login/", {"username": "alice", "password": PASSWORD}).status_code == 302
        body = {"old_password": WRONG, "new_password1": "battery-staple-7", "new_password2": "battery-staple-7"}
        for _ in range(10):
            assert b"entered incorrectly" in browser.post("/admin/password_change/", body).content
        refused = browser.post("/admin/password_change/", body)
        assert b"Too many requests." in refused.content
        assert (refused.status_code, refused.has_header("Retry-After")) == (429, True)
        assert looked_at == [PASSWORD] + [WRONG] * 10

    def test_right_ones_do_not_count(self, api: AuthApi, alice: Any) -> None:
        assert [api.login("alice").status_code for _ in range(15)] == [200] * 15

    def test_others_go_on(self, api: AuthApi, alice: Any) -> None:
        api.register("bob")
        for _ in range(11):
            api.login("alice", WRONG)
        assert api.login("bob").status_code == 200

    def test_off_is_for_load_tests(self, api: AuthApi, alice: Any, settings: Any) -> None:
        settings.RATE_LIMITS = "off"
        assert [api.login("alice", WRONG).status_code for _ in range(12)] == [400] * 12

    def test_a_redis_that_is_gone_leaves_the_counting_to_the_database(
        self, api: AuthApi, alice: Any, settings: Any
    ) -> None:
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        LimitCounter.objects.all().delete()
        assert [api.login("alice", WRONG).status_code for _ in range(11)] == [400] * 10 + [429]
        assert sorted(LimitCounter.objects.values_list("hits", flat=True)) == [1, 10, 10, 10]

    def test_counters_are_purged(self, api: AuthApi, alice: Any, settings: Any) -> None:
        settings.REDIS_URL = ""
        LimitCounter.objects.all().delete()
        api.login("alice", WRONG)
        assert LimitCounter.objects.count() == 3
        with time_machine.travel(NOON + timezone.timedelta(hours=1), tick=True):
            assert {purged.name: purged.rows for purged in purge_expired()}["limit counters"] == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("counts_in", ["configured", "database"])
def test_racing_guesses(api: AuthApi, settings: Any, looked_at: list[str], counts_in: str) -> None:
    if counts_in == "database":
        settings.REDIS_URL = ""
    settings.HASH_QUEUE = 100
    api.register("alice")
    answers = race(*[lambda: AuthApi().login("alice", WRONG)] * 30)
    assert sorted(answer.status_code for answer in answers) == [400] * 10 + [429] * 20
    assert len(looked_at) == 10


@pytest.mark.django_db
class TestHashQueue:
    @pytest.fixture
    def full(self, alice: Any) -> Iterator[None]:
        """A worker that hashes one password while sixteen wait."""
        places = passwords._places(passwords.hash_lock, conf.most_waiting_for_a_hash)
        for _ in range(17):
            assert places.acquire(blocking=False)
        yield
        places.release(17)

    def test_the_next_one_is_told_to_come_again(self, api: AuthApi, full: None, rows: Any) -> None:
        before = rows()
        answers = [door() for door in doors("alice")[:4]]
        answers.append(api.register("bob"))
        answers.append(FastAPIUsers().register("bob@example.org"))
        assert [(answer.status_code, answer.headers["Retry-After"]) for answer in answers] == [(503, "2")] * 6
        assert answers[0].json() == {"detail": "The server is busy. Try again in a moment.", "code": "overloaded"}
        assert answers[2].json() == {"detail": "OVERLOADED"}
        graphql = Durudex().login("alice")
        assert error(graphql) == {"code": "SERVER_ERROR", "retryAfter": 2}
        assert graphql.headers["Retry-After"] == "2"
        assert rows() == before

    def test_a_reset_on_the_page_is_not_said_to_be_done(
        self, api: AuthApi, full: None, letters: Mailbox, rows: Any
    ) -> None:
        api.reset("alice@example.org")
        token = link_values(letters.collect()[-1])["token"]
        user, before = User.objects.values().get(), rows()
        body = {"token": token, "password1": "battery-staple-7", "password2": "battery-staple-7"}
        answer = Client().post("/reset-password", body)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        page = answer.content.decode()
        assert "The server is busy. Try again in a moment." in page
        assert "Your password is changed" not in page
        assert token in page
        assert (User.objects.values().get(), rows()) == (user, before)

    def test_who_was_not_looked_at_has_not_tried(self, api: AuthApi, alice: Any, monkeypatch: Any) -> None:
        with monkeypatch.context() as busy:
            busy.setattr(passwords, "_places", lambda lock, most: threading.Semaphore(0))
            assert [api.login("alice", WRONG).status_code for _ in range(12)] == [503] * 12
        assert api.login("alice").status_code == 200

    def test_a_place_that_is_given_back_can_be_taken(self, full: None, alice: Any) -> None:
        places = passwords._places(passwords.hash_lock, conf.most_waiting_for_a_hash)
        places.release()
        assert AuthApi().login("alice").status_code == 200
        assert places.acquire(blocking=False)


def test_no_more_wait_than_may() -> None:
    most = conf.most_waiting_for_a_hash
    with ThreadPoolExecutor(40) as threads, passwords.hash_lock:
        hashes = [threads.submit(passwords.make_hash, PASSWORD) for _ in range(40)]
        refused = [future for future in hashes if future.done() or _refused(future)]
        assert len(refused) == 40 - most - 1
        passwords.hash_lock.release()
        done = [future for future in hashes if future not in refused]
        assert all(future.result(30).startswith("argon2$") for future in done)
        passwords.hash_lock.acquire()


def _refused(future: Any) -> bool:
    """Whether the hash is refused. A waiting one is not done within the time of a refusal."""
    try:
        future.result(0.2)
    except TimeoutError:
        return False
    except AccountError as refusal:
        return refusal.code is ErrorCode.OVERLOADED
    return False


def test_windows_begin_at_the_full_hour() -> None:
    assert limits._end(limits.WRONG_PASSWORDS_PER_HOUR, NOON) == NOON.replace(hour=13, minute=0)
    assert limits._end(limits.WRONG_PASSWORDS_PER_DAY, NOON) == NOON.replace(day=26, hour=0, minute=0)
