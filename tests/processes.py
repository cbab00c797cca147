"""Starts the product's own processes beside a test, on the test's database."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import connection

from tests.servers import ON_POSTGRES


def database_url(name: str = "") -> str:
    """The DATABASE_URL of the running test, or of the database with this name on the same server."""
    config = connection.settings_dict
    name = name or config["NAME"]
    if not ON_POSTGRES:
        return f"sqlite:///{name}"
    return f"postgresql://{config['USER']}@/{name}?host={quote(config['OPTIONS']['host'])}"


def manage(*args: str, cwd: Path | None = None, **environment: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """`manage.py ARGS` while the block runs; killed at its end if it still runs. cwd: the folder of the code."""
    # So few workers fit into any database, so that no warning comes before the command's output.
    return _running("manage.py", *args, cwd=cwd, **{"WEB_CONCURRENCY": "1", **environment})


def web_server(
    port: int, *, cwd: Path | None = None, **environment: str
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """gunicorn as the README starts it, while the block runs; killed at its end if it still runs."""
    # The system closes what gunicorn's threads have open at its end, such as database connections.
    command = ("-W", "ignore::ResourceWarning", "-m", "gunicorn", "--config", "config/gunicorn.py", "config.wsgi")
    return _running(*command, cwd=cwd, PORT=str(port), **environment)


@contextmanager
def _running(*command: str, cwd: Path | None, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", *command],
        cwd=cwd,
        env={**os.environ, "DATABASE_URL": database_url(), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[bytes], *, seconds: float = 60) -> Any:
    """Waits for the process to end by itself, and returns its exit code and output."""
    said, _ = process.communicate(timeout=seconds)
    return process.returncode, said.decode()


def read_until(process: subprocess.Popen[bytes], words: str, *, seconds: float = 60) -> str:
    """The output of the process, up to these words or a little further."""
    deadline = time.monotonic() + seconds
    assert process.stdout is not None
    said = b""
    while words not in said.decode(errors="replace"):
        ready, _, _ = select.select([process.stdout], [], [], max(deadline - time.monotonic(), 0))
        more = os.read(process.stdout.fileno(), 65536) if ready else b""
        assert more, f"{words!r} was not printed, but {said!r}"
        said += more
    return said.decode()


def children(pid: int) -> list[int]:
    """The live child processes of this process; none if it has ended itself."""
    try:
        said = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(child) for child in said.split()]
