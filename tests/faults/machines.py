"""The product on several machines, as in docs/operations.md, but all on this one.

Two instances behind HAProxy; PgBouncer; PostgreSQL on three nodes under Patroni with etcd; Redis.
"""

import http.client
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.clusters import wait_until
from tests.faults import proxy
from tests.faults.product import Part, killed_at_the_end, redis
from tests.faults.stage import Skipped, Stage, open_folder, product
from tests.processes import children
from tests.servers import free_port, wait_for_port

# Debian installs some in a folder that is only in root's PATH.
WHERE = f"{os.environ['PATH']}:/usr/sbin"
PROGRAMS = ("etcd", "patroni", "haproxy", "pgbouncer")
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
USER = "postgres" if os.geteuid() == 0 else None
# Settings that all nodes share. A missing node is given up after `ttl` seconds, a node without PostgreSQL at once. A
# commit is acknowledged after a standby has it too.
SHARED = {
    "ttl": 20,
    "loop_wait": 2,
    "retry_timeout": 5,
    "primary_start_timeout": 0,
    "synchronous_mode": True,
    "postgresql": {
        "use_pg_rewind": True,
        "parameters": {"wal_log_hints": "on", "max_connections": 60, "shared_buffers": "32MB"},
    },
}


def missing() -> str:
    """The missing packages; "" if there are none."""
    names = [name for name in PROGRAMS if shutil.which(name, path=WHERE) is None]
    return ", ".join([*names, *([] if POSTGRES else ["postgresql"])])


class Node(Part):
    """A PostgreSQL and its Patroni."""

    def __init__(self, folder: Path, number: int, etcd: int) -> None:
        self.port, self.rest = free_port(), free_port()
        self._data = folder / f"node{number}" / "data"
        self._data.parent.mkdir()
        if USER:
            shutil.chown(self._data.parent, USER)
        settings = folder / f"node{number}.yml"
        settings.write_text(json.dumps(self._settings(number, etcd)))
        super().__init__(shutil.which("patroni", path=WHERE), settings, log=folder / f"node{number}.log", user=USER)

    def _settings(self, number: int, etcd: int) -> dict[str, Any]:
        """Patroni reads YAML, and JSON is valid YAML."""
        trusted = ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
        return {
            "scope": "accounts",
            "name": f"node{number}",
            "etcd3": {"host": f"127.0.0.1:{etcd}"},
            "restapi": {"listen": f"127.0.0.1:{self.rest}", "connect_address": f"127.0.0.1:{self.rest}"},
            "bootstrap": {"dcs": SHARED, "initdb": [{"encoding": "UTF8"}, {"auth": "trust"}]},
            "postgresql": {
                "listen": f"127.0.0.1:{self.port}",
                "connect_address": f"127.0.0.1:{self.port}",
                "data_dir": str(self._data),
                "bin_dir": str(POSTGRES[-1]),
                "pgpass": str(self._data.parent / "pgpass"),
                "pg_hba": trusted,
                "authentication": {
                    "superuser": {"username": "postgres"},
                    "replication": {"username": "replicator", "password": "trusted"},
                },
                "parameters": {"unix_socket_directories": str(self._data.parent)},
            },
        }

    def kill(self) -> None:
        super().kill()
        self.kill_postgres()

    def kill_postgres(self) -> None:
        """Kills only PostgreSQL, which does not end with Patroni."""
        with suppress(FileNotFoundError, ProcessLookupError):
            first = int((self._data / "postmaster.pid").read_text().split()[0])
            for pid in (first, *children(first)):
                os.kill(pid, signal.SIGKILL)

    def ask(self, path: str) -> tuple[int, Any]:
        """Patroni's answer."""
        client = http.client.HTTPConnection("127.0.0.1", self.rest, timeout=5)
        try:
            client.request("GET", path)
            answer = client.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return 0, None
        finally:
            client.close()


class Nodes:
    def __init__(self, folder: Path, etcd: int) -> None:
        self.all = [Node(folder, number, etcd) for number in range(3)]

    def primary(self) -> Node | None:
        return next((node for node in self.all if node.ask("/primary")[0] == 200), None)

    def are_in_step(self) -> bool:
        """Whether there is one primary with two standbys, one of them synchronous."""
        primary = self.primary()
        if primary is None:
            return False
        members = primary.ask("/cluster")[1]["members"]
        return sorted(member["role"] for member in members) == ["leader", "replica", "sync_standby"] and {
            member["state"] for member in members
        } <= {"running", "streaming"}


def etcd(folder: Path, port: int) -> Part:
    peers = f"http://127.0.0.1:{free_port()}"
    url = f"http://127.0.0.1:{port}"
    command = [shutil.which("etcd", path=WHERE), "--data-dir", folder / "etcd", "--listen-client-urls", url]
    command += ["--advertise-client-urls", url, "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers]
    return Part(*command, "--initial-cluster", f"default={peers}", "--logger", "zap", log=folder / "etcd.log")


def to_primary(folder: Path, nodes: Nodes, port: int) -> Part:
    """HAProxy in front of the nodes."""
    instead = {"bind 127.0.0.1:5000": f"bind 127.0.0.1:{port}", "check port 8008": "check"}
    for number, node in enumerate(nodes.all):
        instead[f"10.0.1.{number + 1}:5432"] = f"127.0.0.1:{node.port} port {node.rest}"
    return proxy.part("primary", folder / "to_primary.cfg", instead)


def pgbouncer(folder: Path, port: int, before: int) -> Part:
    settings = folder / "pgbouncer.ini"
    settings.write_text(f"""[databases]
* = host=127.0.0.1 port={before} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 500
# A primary that was not there is asked for again after a second, and not after fifteen.
server_login_retry = 1
server_connect_timeout = 2
""")
    as_user = ["-u", USER] if USER else []
    return Part(shutil.which("pgbouncer", path=WHERE), "-q", *as_user, settings, log=folder / "pgbouncer.log")


@contextmanager
def machines() -> Iterator[Stage]:
    if packages := missing():
        raise Skipped(f"not on this machine: {packages}")
    with open_folder() as folder:
        ports = {name: free_port() for name in ("etcd", "primary", "pgbouncer")}
        nodes = Nodes(folder, ports["etcd"])
        parts = [
            etcd(folder, ports["etcd"]),
            *nodes.all,
            to_primary(folder, nodes, ports["primary"]),
            pgbouncer(folder, ports["pgbouncer"], ports["primary"]),
        ]
        with killed_at_the_end(parts):
            for part in parts:
                part.start()
                if part is parts[0]:
                    wait_for_port(ports["etcd"])
            wait_until(nodes.are_in_step, seconds=90)

            def execute(*statements: str) -> list[tuple[Any, ...]]:
                url = f"postgres://postgres@127.0.0.1:{ports['primary']}/postgres"
                with psycopg.connect(url, autocommit=True) as connection:
                    for statement in statements:
                        cursor = connection.execute(statement)
                    return cursor.fetchall() if cursor.description else []

            with product(
                folder,
                f"postgres://postgres@127.0.0.1:{ports['pgbouncer']}/postgres",
                execute,
                instances=2,
                store=redis(folder, free_port()),
                DATABASE_PREPARED_STATEMENTS="off",
            ) as on:
                on.nodes = nodes
                yield on


def kill_primaries(on: Stage, times: int) -> None:
    """Kills only PostgreSQL. Its Patroni notices that at once."""
    for _ in range(times):
        replace_primary(on, Node.kill_postgres)


def kill_nodes(on: Stage, times: int) -> None:
    """Kills the primary with its Patroni, as if its machine were gone. The others notice that after a while."""
    for _ in range(times):
        replace_primary(on, Node.kill).start()
    wait_until(on.nodes.are_in_step, seconds=90)


def replace_primary(on: Stage, kill: Callable[[Node], None]) -> Node:
    """Kills the primary, waits until another node takes its place, and returns the killed node."""
    nodes = on.nodes
    wait_until(nodes.are_in_step, seconds=90)
    time.sleep(1)
    primary = nodes.primary()
    kill(primary)
    on.mended()
    wait_until(lambda: nodes.primary() not in (None, primary), seconds=60)
    time.sleep(1)
    return primary
