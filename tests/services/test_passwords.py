from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection, connections

from accounts.core import worker
from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.log_in import log_in
from accounts.models import User
from accounts.services import passwords
from tests.clusters import wait_until
from tests.flows.context import client, signed_up
from tests.servers import ON_POSTGRES


@pytest.fixture(autouse=True)
def cheap_hashes() -> None:
    """None here: a password has its real cost."""


SECONDS = 30


def test_the_hash_is_argon2id_with_owasps_parameters(alice: Any) -> None:
    assert User.objects.get().password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.django_db
def test_every_hash_is_made_apart(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RATE_LIMITS = "off"
    calls = []

    def run_apart(call: Any, args: Any) -> Any:
        assert passwords.hash_lock.locked()
        calls.append(call)
        return call(*args)

    monkeypatch.setattr(worker, "run_apart", run_apart)
    assert passwords.make_hash("correct-horse-9").startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert not passwords.prove("correct-horse-9", None, counted_as="", context=client()).correct
    assert calls == [passwords.make_password, passwords.verify]


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite keeps its connection")
@pytest.mark.django_db(transaction=True)
def test_who_waits_to_hash_keeps_no_connection_from_others() -> None:
    def find_and_hash() -> bool:
        connection.ensure_connection()
        passwords.make_hash("correct-horse-9")
        return connection.connection is None

    with ThreadPoolExecutor(4) as threads, passwords.hash_lock:
        logins = [threads.submit(find_and_hash) for _ in range(4)]
        assert not any(login.done() for login in logins)
        passwords.hash_lock.release()
        assert [login.result(SECONDS) for login in logins] == [True] * 4
        passwords.hash_lock.acquire()


@pytest.mark.django_db(transaction=True)
def test_hashes_of_other_systems_hold_up_no_other_login(settings: Any) -> None:
    settings.RATE_LIMITS, settings.HASH_QUEUE = "off", 1
    old = PBKDF2PasswordHasher().encode("correct-horse-9", "saltsaltsalt", iterations=1000)
    User.objects.create(username="moved", email="moved@example.org", password=old)
    signed_up()

    def enter(name: str) -> str:
        try:
            return log_in(names=(name,), password="correct-horse-9", context=client()).user.username
        except AccountError as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads, passwords.foreign_hash_lock:
        logins = [threads.submit(enter, "moved") for _ in range(2)]
        wait_until(lambda: not passwords._places(passwords.foreign_hash_lock, 1)._value, seconds=SECONDS)
        # Their queue is full. Ours is empty.
        assert threads.submit(enter, "moved").result(SECONDS) == ErrorCode.OVERLOADED
        assert threads.submit(enter, "alice").result(SECONDS) == "alice"
        assert not any(login.done() for login in logins)
        passwords.foreign_hash_lock.release()
        assert [login.result(SECONDS) for login in logins] == ["moved"] * 2
        passwords.foreign_hash_lock.acquire()
