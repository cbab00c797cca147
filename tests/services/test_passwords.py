from typing import Any

from accounts.services import passwords
from config.threads import RequestThreads

SECONDS = 30


def test_who_waits_to_hash_keeps_nobody_waiting_who_does_not(settings: Any) -> None:
    settings.RATE_LIMITS = "off"
    threads = RequestThreads(running=1, most=9)
    with passwords.hash_lock:
        logins = [threads.submit(passwords.prove, "correct-horse-9", None, counted_as="") for _ in range(4)]
        change = threads.submit(passwords.make_hash, "correct-horse-9")
        assert threads.submit(int, "7").result(SECONDS) == 7
        assert [future.done() for future in [*logins, change]] == [False] * 5
    assert [login.result(SECONDS).correct for login in logins] == [False] * 4
    assert change.result(SECONDS).startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
