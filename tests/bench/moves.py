"""How fast users move in and out compared with a bare COPY of the same rows, and how much memory that needs."""

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psycopg

# A hash of the most common form. Nobody logs in here.
HASH = "pbkdf2_sha256$1000000$b6pNkT0Z0oVEmN3YqyVbqG$7GG6xk1Tgn1Yl2S1bJvGmFRbsrnrzAmG1gUuxz2Y9n0="
PEERS = ("accounts_user", "account_emailaddress", "accounts_securityevent")


def bench_moves(prepared: Callable[[str], str], users: int) -> None:
    url, again = prepared("moves"), prepared("moves_again")
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "users.jsonl", Path(folder) / "out.jsonl"
        with source.open("w") as file:
            for number in range(users):
                user = {"id": str(uuid.uuid4()), "username": f"member{number}", "email": f"member{number}@example.org"}
                more = {"password": HASH, "email_verified": True, "created_at": "2020-01-02T03:04:05Z"}
                file.write(json.dumps(user | more) + "\n")
        dry = ("import_users", str(source), "--format", "jsonl", "--dry-run")
        _say("import_users --dry-run", users, *_measure(url, *dry))
        _say("import_users", users, *_measure(url, "import_users", str(source), "--format", "jsonl"))
        _say("import_users, all there", users, *_measure(url, "import_users", str(source), "--format", "jsonl"))
        _say("a bare COPY of the same rows", users, _copy(url, again), 0)
        _say("export_users", users, *_measure(url, "export_users", "--out", str(out)))
        with out.open("rb") as lines:
            assert sum(1 for _line in lines) == users + 8


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
