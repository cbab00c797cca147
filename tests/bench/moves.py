"""How fast users move in and out compared with a bare COPY of the same rows, how much memory that needs, and how far it
slows down others who log in.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.bench.load import OURS, loggers_in, p99, serve, times

# A hash of the most common form. Nobody logs in here.
HASH = "pbkdf2_sha256$1000000$b6pNkT0Z0oVEmN3YqyVbqG$7GG6xk1Tgn1Yl2S1bJvGmFRbsrnrzAmG1gUuxz2Y9n0="
# How many users are moved in beside logins. That takes longer than a round.
BESIDE = 100_000
SECONDS = 5
PEERS = ("accounts_user", "account_emailaddress", "accounts_securityevent")


# Measures the candidates in turns: Found of tests.bench.__main__.
Compare = Callable[[dict[str, Callable[[], float]]], Any]


def bench_moves(prepared: Callable[[str], str], users: int) -> None:
    url, again = prepared("moves"), prepared("moves_again")
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "users.jsonl", Path(folder) / "out.jsonl"
        _write(source, users)
        dry = ("import_users", str(source), "--format", "jsonl", "--dry-run")
        _say("import_users --dry-run", users, *_measure(url, *dry))
        _say("import_users", users, *_measure(url, "import_users", str(source), "--format", "jsonl"))
        _say("import_users, all there", users, *_measure(url, "import_users", str(source), "--format", "jsonl"))
        _say("a bare COPY of the same rows", users, _copy(url, again), 0)
        _say("export_users", users, *_measure(url, "export_users", "--out", str(out)))
        with out.open("rb") as lines:
            assert sum(1 for _line in lines) == users + 8


def bench_beside(prepared: Callable[[str], str], compare: Compare, names: list[str]) -> None:
    """Logins with the right passwords: alone, and while users move in."""
    url = prepared("beside")
    found: dict[str, list[float]] = {"alone": [], "beside": []}
    # All clients may wait for the same worker.
    with serve(OURS, workers=2, DATABASE_URL=url, RATE_LIMITS="off", HASH_QUEUE="64") as (port, _pid, _seconds):

        def log_in(name: str) -> float:
            taken = times(port, loggers_in(names), seconds=SECONDS)
            found[name].append(p99(taken) * 1000)
            # The logins whose answers nobody reads do not count for the next round.
            time.sleep(1)
            return len(taken) / SECONDS

        def beside() -> float:
            with _moving_in(url):
                return log_in("beside")

        rates = compare({"alone": lambda: log_in("alone"), "beside": beside})
    for name, slowest in found.items():
        print(f"logins {name:7} {rates.median(name):6.1f}/s  p99 {statistics.median(slowest):6.0f} ms", flush=True)
    slower = statistics.median(there / alone for alone, there in zip(*found.values(), strict=True))
    print(
        f"beside import_users  rate 1/{rates.ratio('alone', 'beside'):.2f}  p99 × {slower:.2f}  limit 2.00", flush=True
    )


@contextmanager
def _moving_in(url: str) -> Iterator[None]:
    """import_users goes on in this database all the time."""
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(url, autocommit=True) as database:
        source = Path(folder) / "users.jsonl"
        _write(source, BESIDE, prefix=f"round{uuid.uuid4().hex[:8]}")
        before = _count(database)
        command = [sys.executable, "manage.py", "import_users", str(source), "--format", "jsonl"]
        process = subprocess.Popen(
            command, env={**os.environ, "DATABASE_URL": url}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while _count(database) == before:
            assert process.poll() is None
            time.sleep(0.1)
        began, first = time.monotonic(), _count(database)
        yield
        assert process.poll() is None, "the import ended before the round"
        print(
            f"  {(_count(database) - first) / (time.monotonic() - began):,.0f} users/s moved in meanwhile", flush=True
        )
        process.kill()
        process.wait()


def _count(database: psycopg.Connection[Any]) -> int:
    row = database.execute("SELECT count(*) FROM accounts_user").fetchone()
    assert row is not None
    return int(row[0])


def _write(path: Path, users: int, prefix: str = "member") -> None:
    """Writes a file of that many users as JSON Lines."""
    with path.open("w") as file:
        for number in range(users):
            name = f"{prefix}{number}"
            user = {"id": str(uuid.uuid4()), "username": name, "email": f"{name}@example.org"}
            more = {"password": HASH, "email_verified": True, "created_at": "2020-01-02T03:04:05Z"}
            file.write(json.dumps(user | more) + "\n")


def _measure(url: str, *command: str) -> tuple[float, int]:
    """Seconds, and the most MB of memory, of a command of manage.py."""
    began = time.monotonic()
    environment = {**os.environ, "DATABASE_URL": url}
    process = subprocess.Popen([sys.executable, "manage.py", *command], env=environment, stderr=subprocess.DEVNULL)
    _pid, status, used = os.wait4(process.pid, 0)
    assert status == 0, command
    return time.monotonic() - began, used.ru_maxrss // 1024


def _copy(url: str, into: str) -> float:
    """Seconds that PostgreSQL alone takes to take the rows of users, addresses and events, with their indexes."""
    with psycopg.connect(url) as here, psycopg.connect(into) as there:
        there.execute(f"TRUNCATE {', '.join(PEERS)} CASCADE")
        there.commit()
        seconds = 0.0
        for table in PEERS:
            # In a file, because the commands that are started later would begin with the memory of this process.
            with tempfile.TemporaryFile() as rows:
                with here.cursor().copy(f"COPY {table} TO STDOUT") as copy:
                    rows.writelines(copy)
                rows.seek(0)
                began = time.monotonic()
                with there.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                    while data := rows.read(2**20):
                        copy.write(data)
                there.commit()
                seconds += time.monotonic() - began
    return seconds


def _say(what: str, users: int, seconds: float, megabytes: int) -> None:
    memory = f"  {megabytes:5} MB" if megabytes else ""
    minutes = seconds * 1_000_000 / users / 60
    print(f"{what:30} {users / seconds:8,.0f} users/s{memory}  1,000,000 in {minutes:5.1f} min", flush=True)
