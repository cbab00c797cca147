"""How many wrong passwords of one account are looked at in a day, through every door, by somebody who never pauses."""

import subprocess
import sys
from datetime import datetime, timedelta
from os import environ
from typing import Any

LIMIT = 50
A_DAY = datetime.fromisoformat("2027-06-15T00:00:30+00:00")
ROUNDS_AN_HOUR = 10


def bench_guesses(url: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.bench.guesses"],
        env={**environ, "DATABASE_URL": url, "LOG_LEVEL": "ERROR"},
        check=True,
        timeout=3600,
    )


def measure() -> None:
    import time_machine

    from accounts.ops import refusals
    from accounts.services import passwords
    from tests.security.test_limits import doors

    refusals.HELD_SECONDS = 0
    looked_at: list[str] = []
    verify = passwords.verify

    def counted(password: str, user: Any) -> passwords.Verdict:
        looked_at.append(password)
        return verify(password, user)

    passwords.verify = counted
    tried = 0
    for hour in range(24):
        with time_machine.travel(A_DAY + timedelta(hours=hour), tick=True):
            for _round in range(ROUNDS_AN_HOUR):
                for door in doors("user1"):
                    door()
                    tried += 1
    print(f"wrong passwords of one account looked at in a day: {len(looked_at)} of {tried}  limit {LIMIT}", flush=True)


if __name__ == "__main__":
    import django
    from django.test.utils import setup_test_environment

    django.setup()
    setup_test_environment()
    measure()
