"""A wrong password lasts as long as the slowest hash of another system that is stored takes, whoever has it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import bcrypt
import pytest
from argon2 import PasswordHasher
from django.contrib.auth.hashers import PBKDF2PasswordHasher, ScryptPasswordHasher, get_hasher
from django.db import connection, transaction
from django.test import Client

from accounts.flows.purge_expired import purge_expired
from accounts.models import HashKind, User
from accounts.models.user import OWN_HASHES
from accounts.services import hash_times, hashers, passwords, pauses
from accounts.services.hash_times import LONGEST_JITTER
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.fastapi_users import FastAPIUsers
from tests.flows.context import client
from tests.moving import Run, csv
from tests.servers import ON_POSTGRES
from tests.statements import Statements

pytestmark = pytest.mark.django_db(transaction=True)
WRONG = "wrong-horse-9"
ROUNDS = 200_000
SLOW = PBKDF2PasswordHasher().encode(PASSWORD, "saltsaltsalt", iterations=ROUNDS)
KIND = f"pbkdf2_sha256${ROUNDS}"


@pytest.fixture
def pauses_made(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of every wait; none of them is waited for."""
    waited: list[float] = []
    monkeypatch.setattr(pauses, "pause_until", lambda end: waited.append(end - time.monotonic()))
    return waited


def moved_in(*hashes: str) -> None:
    rows = [f'old{number},old{number}@example.org,"{each}"' for number, each in enumerate(hashes)]
    assert Run("-", "csv", given=csv(*rows, header="username,email,password")).code == 0


def login_to_admin(name: str, password: str) -> Any:
    return Client().post("/admin/login/", {"username": name, "password": password})


def seconds_of(call: Callable[[], Any], status: int) -> float:
    began = time.monotonic()
    assert call().status_code == status
    return time.monotonic() - began


def test_our_hashes_begin_as_the_index_says() -> None:
    from accounts.services.passwords import Argon2idHasher

    # Not the cheap ones of the other tests.
    settings = {"time_cost": 2, "memory_cost": 19456}
    hasher = type("Real", (Argon2idHasher,), settings)()
    assert hasher.encode(PASSWORD, "saltsaltsalt").startswith(OWN_HASHES)


def test_a_wrong_password_lasts_as_long_for_every_name(alice: Any, api: AuthApi) -> None:
    moved_in(SLOW)
    slowest = HashKind.objects.get(kind=KIND).seconds
    began = time.process_time()
    PBKDF2PasswordHasher().verify(PASSWORD, SLOW)
    assert slowest > (time.process_time() - began) / 2
    for name in ("old0", "alice", "nobody", "nobody@example.org"):
        assert seconds_of(lambda name=name: api.login(name, WRONG), 400) >= slowest * 1.5
    for name in ("old0@example.org", "alice@example.org", "nobody@example.org"):
        assert seconds_of(lambda name=name: FastAPIUsers().login(name, WRONG), 400) >= slowest * 1.5
    proof = {"password": WRONG}
    assert seconds_of(lambda: api.call("POST", "reauthenticate/", proof, token=alice["access"]), 400) >= slowest * 1.5


def test_who_has_the_right_password_does_not_wait(alice: Any, api: AuthApi, pauses_made: list[float]) -> None:
    moved_in(SLOW)
    assert api.login("alice").status_code == 200
    assert api.login("old0").status_code == 200
    assert pauses_made == []
    # That of an account that is not active is as good as a wrong one.
    User.objects.update(is_active=False)
    assert api.login("alice").status_code == 400
    assert len(pauses_made) == 1


def test_without_foreign_hashes_nobody_waits(alice: Any, api: AuthApi, pauses_made: list[float]) -> None:
    moved_in("")
    for name in ("alice", "nobody", "old0"):
        assert api.login(name, WRONG).status_code == 400
    assert (pauses_made, HashKind.objects.count()) == ([], 0)


def test_the_administrators_door_and_the_old_password(alice: Any, api: AuthApi, pauses_made: list[float]) -> None:
    moved_in(SLOW)
    for name in ("old0", "alice", "nobody"):
        assert login_to_admin(name, WRONG).status_code == 200
    # A right password of somebody who is no administrator is refused like a wrong one.
    login_to_admin("alice", PASSWORD)
    assert len(pauses_made) == 4
    new = {"old_password": WRONG, "new_password1": PASSWORD + "x", "new_password2": PASSWORD + "x"}
    assert api.call("POST", "password/change/", new, token=alice["access"]).status_code == 400
    assert len(pauses_made) == 5


def test_nothing_is_held_meanwhile(alice: Any, api: AuthApi, monkeypatch: pytest.MonkeyPatch) -> None:
    moved_in(SLOW)
    held = []
    places = passwords._places(passwords.hash_lock, 64)
    monkeypatch.setattr(passwords, "_places", lambda lock, most: places)

    def pause_until(end: float) -> None:
        locked = passwords.hash_lock.locked() or passwords.foreign_hash_lock.locked()
        held.append((locked, places._value, connection.in_atomic_block))

    monkeypatch.setattr(pauses, "pause_until", pause_until)
    api.login("alice", WRONG)
    api.login("old0", WRONG)
    assert held == [(False, 65, False)] * 2


def test_the_wait_for_the_turn_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    HashKind.objects.create(kind=KIND, seconds=10)
    ends: list[float] = []
    now = iter([1000.0, 1007.0])

    class Clock:
        monotonic = staticmethod(lambda: next(now))

    monkeypatch.setattr(passwords, "time", Clock)
    monkeypatch.setattr(pauses, "pause_until", ends.append)
    # The request began at 999, asked for its turn at 1000, and had it at 1007.
    passwords.wait_out(passwords.prove(WRONG, None, counted_as="x", context=client(), since=999))
    assert ends == [999 + 7 + 15]


def test_the_end_of_the_wait_is_spread_over_a_tenth_of_a_second(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_times, "LONGEST_JITTER", LONGEST_JITTER)
    HashKind.objects.create(kind=KIND, seconds=10)
    ends: list[float] = []
    monkeypatch.setattr(pauses, "pause_until", ends.append)
    for _ in range(200):
        hash_times.wait(since=1000)
    assert 1015 <= min(ends) < 1015.02
    assert 1015.08 < max(ends) <= 1015.1


def test_it_is_read_once_a_minute(alice: Any, api: AuthApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "pause_until", lambda end: None)

    def reads() -> int:
        with Statements() as statements:
            api.login("alice", WRONG)
        return sum("hashkind" in sql for sql in statements.sql)

    assert (reads(), reads()) == (1, 0)
    monkeypatch.setattr(hash_times, "WORKER_CACHE", 0)
    assert reads() == 1
    with Statements() as statements:
        assert api.login("alice").status_code == 200
    assert not any("hashkind" in sql for sql in statements.sql)


KINDS = [
    ("pbkdf2_sha256$10", PBKDF2PasswordHasher().encode("x", "salt", iterations=10)),
    ("scrypt$2$8$1", ScryptPasswordHasher().encode("x", "salt", n=2, r=8, p=1)),
    ("scrypt$4$8$1", ScryptPasswordHasher().encode("x", "salt", n=4, r=8, p=1)),
    ("$2b$04", bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode()),
    ("bcrypt_sha256$$2b$04", "bcrypt_sha256$" + bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode()),
    ("$argon2id$v=19$m=64,t=2,p=1", PasswordHasher(2, 64, 1).hash("x")),
    ("argon2$argon2id$v=19$m=64,t=3,p=1", "argon2" + PasswordHasher(3, 64, 1).hash("x")),
    ("pbkdf2_raw$sha256$10", f"$pbkdf2-sha256$10$c2FsdA${hashers.to_base64(bytes(32))}"),
    ("scrypt_raw$1$8$1", f"$scrypt$ln=1,r=8,p=1$c2FsdA${hashers.to_base64(bytes(32))}"),
    ("wrapped$phpass$B", "$P$BIRXVj/ZG0YRiBH8gnRy0x72BAZoLe1"),
    ("wrapped$md5", "md5$salt$" + "0" * 32),
]


def test_kinds() -> None:
    moved_in(*(stored for _kind, stored in KINDS))
    found = dict(HashKind.objects.values_list("kind", "seconds"))
    assert sorted(found) == sorted(kind for kind, _stored in KINDS)
    assert all(0 < seconds < 1 for seconds in found.values())


def test_a_kind_is_forgotten_with_its_last_hash(api: AuthApi) -> None:
    moved_in(*(stored for _kind, stored in KINDS))
    assert {each.name: each.rows for each in purge_expired()}["kinds of hashes"] == 0
    assert HashKind.objects.count() == len(KINDS)
    for number, (kind, _stored) in enumerate(KINDS):
        user = User.objects.get(username=f"old{number}")
        passwords.put(user, to=f"{OWN_HASHES}salt$hash" if number % 2 else passwords.make_unusable())
        # Two kinds of scrypt are two beginnings.
        assert {each.name: each.rows for each in purge_expired()}["kinds of hashes"] == 1
        assert not HashKind.objects.filter(kind=kind).exists()
    assert HashKind.objects.count() == 0


@pytest.mark.skipif(not ON_POSTGRES, reason="on SQLite there is one writer at a time")
def test_a_purge_leaves_the_kinds_of_an_import_that_goes_on() -> None:
    HashKind.objects.create(kind=KIND, seconds=1)

    def purge() -> int:
        try:
            return {each.name: each.rows for each in purge_expired()}["kinds of hashes"]
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads, transaction.atomic():
        hash_times.note({KIND: 2})
        assert threads.submit(purge).result(30) == 0
    assert HashKind.objects.get().seconds == 2
    assert purge() == 1


def test_a_refused_batch_notes_nothing() -> None:
    rows = (f"a,a@example.org,{SLOW}", f"a,b@example.org,{SLOW}")
    run = Run("-", "csv", given=csv(*rows, header="username,email,password"))
    assert (run.code, User.objects.count(), HashKind.objects.count()) == (1, 0, 0)
    run = Run("-", "csv", "--dry-run", given=csv(rows[0], header="username,email,password"))
    assert (run.code, HashKind.objects.count()) == (0, 0)


def test_many_kinds_of_one_algorithm_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_times, "MOST_KINDS", 3)
    hasher = get_hasher("pbkdf2_sha256")
    moved_in(*(hasher.encode("x", "salt", iterations=number) for number in range(10, 30)))
    kinds = [f"pbkdf2_sha256${number}" for number in (10, 11, 12)]
    assert sorted(HashKind.objects.values_list("kind", flat=True)) == ["pbkdf2_sha256", *kinds]
    User.objects.filter(username__in=["old0", "old1", "old2"]).delete()
    assert {each.name: each.rows for each in purge_expired()}["kinds of hashes"] == 3
    User.objects.all().delete()
    assert {each.name: each.rows for each in purge_expired()}["kinds of hashes"] == 1


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite explains otherwise")
def test_the_look_up_has_an_index() -> None:
    from accounts.models.user import HAS_FOREIGN_HASH

    moved_in(SLOW)
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
    plan = User.objects.filter(HAS_FOREIGN_HASH, password__startswith=f"{KIND}$").order_by().explain()
    with connection.cursor() as cursor:
        cursor.execute("RESET enable_seqscan")
    assert "user_foreign_hash" in plan
