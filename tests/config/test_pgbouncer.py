"""The product behind a pooler that gives each transaction another connection: PgBouncer in transaction mode."""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from config import environment
from tests.clusters import LOGIN, Cluster, clusters, serve
from tests.processes import database_url, finish, manage
from tests.servers import ON_POSTGRES, free_port, wait_for_port

pytestmark = pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has no server")
# Debian installs it in a folder that is only in root's PATH.
PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
needs_pgbouncer = pytest.mark.skipif(PGBOUNCER is None, reason="NOT CHECKED: no PgBouncer on this machine")
REQUESTS = 400


@pytest.fixture
def unprepared(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A connection with DATABASE_PREPARED_STATEMENTS=off."""
    monkeypatch.setenv("DATABASE_URL", database_url())
    monkeypatch.setenv("DATABASE_PREPARED_STATEMENTS", "off")
    connection = connections.create_connection("default")
    connection.settings_dict = {**connection.settings_dict, **environment.database()}
    yield connection
    connection.close()


def run(connection: Any, sql: str, *, times: int = 1) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        for _ in range(times):
            cursor.execute(sql, [0])
        return list(cursor.fetchall())


@pytest.mark.django_db(transaction=True)
def test_nothing_is_kept_on_a_connection(unprepared: Any) -> None:
    run(connection, "SELECT id FROM accounts_user LIMIT %s", times=12)
    assert len(run(connection, "SELECT name FROM pg_prepared_statements OFFSET %s")) > 0
    run(unprepared, "SELECT id FROM accounts_user LIMIT %s", times=12)
    assert run(unprepared, "SELECT name FROM pg_prepared_statements OFFSET %s") == []
    # PgBouncer follows the time zone, and gives each client the one it has set.
    kept = "SELECT name FROM pg_settings WHERE source = 'session' AND name <> 'TimeZone' OFFSET %s"
    assert run(unprepared, kept) == []
    assert unprepared.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] is True


@contextmanager
def pgbouncer(cluster: Cluster, folder: Path) -> Iterator[str]:
    """PgBouncer in transaction mode before this server; answers its DATABASE_URL."""
    port = free_port()
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n* = host=127.0.0.1 port={cluster.port} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 4\n"
        "max_client_conn = 500\n"
    )
    assert PGBOUNCER is not None
    as_user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([PGBOUNCER, "-q", *as_user, settings], stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        yield f"postgres://accounts@127.0.0.1:{port}/postgres"
    finally:
        process.terminate()
        process.wait(30)


@needs_pgbouncer
def test_every_request_behind_pgbouncer_is_answered(tmp_path: Path) -> None:
    with clusters() as (cluster,), pgbouncer(cluster, tmp_path) as url:
        cluster.execute("ALTER ROLE postgres SET timezone = 'Asia/Tokyo'")
        behind = {"DATABASE_URL": url, "DATABASE_PREPARED_STATEMENTS": "off"}
        with serve(cluster, HASH_QUEUE="1000", **behind) as web, ThreadPoolExecutor(40) as clients:

            def ask(number: int) -> int:
                if number % 10:
                    return web.ask("GET", "/api/auth/user/").status
                return web.ask("POST", "/api/auth/login/", LOGIN).status

            assert Counter(clients.map(ask, range(REQUESTS))) == {200: REQUESTS}
        for command in (["deliver_mail", "--once"], ["purge_expired"]):
            with manage(*command, **behind) as process:
                assert finish(process)[0] == 0
        assert cluster.execute("SELECT count(*) FROM accounts_session") == [(1 + REQUESTS // 10,)]
