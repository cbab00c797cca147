"""The whole product on its own PostgreSQL, under load. Faults are done to it."""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.clusters import Cluster, clusters
from tests.faults.history import History, Load
from tests.faults.product import LIMITS, Part, Web, killed_at_the_end, migrate, redis, wait_until_served
from tests.faults.proxy import proxy
from tests.faults.verify import Execute
from tests.servers import free_port
from tests.smtp import MailServer, mail_server


class Skipped(Exception):
    """This machine cannot do it."""


@dataclass
class Stage:
    """within: the folder of PostgreSQL's data. stack: all that ends with the product. nodes: of several machines.

    execute: runs statements on the database that is the primary at the end. mended_at: the times from which a good
    answer is expected. worker_killed_at: the times at which a mail worker could not record its sent mails.
    """

    folder: Path
    execute: Execute
    environment: dict[str, str]
    webs: list[Web]
    worker: Part
    mails: MailServer
    redis: Part | None
    load: Load
    databases: list[Cluster] = field(default_factory=list)
    within: Path | None = None
    stack: ExitStack = field(default_factory=ExitStack)
    nodes: Any = None
    mended_at: list[float] = field(default_factory=list)
    worker_killed_at: list[float] = field(default_factory=list)

    def mended(self) -> None:
        self.mended_at.append(time.monotonic())

    def seconds_until_good(self) -> float | None:
        """The longest time from one of mended_at to the end of the first successful request sent after it."""
        good = [call for call in self.load.history.calls if call.is_good]
        waits = [
            min((call.ended - at for call in good if call.begun >= at), default=float("inf")) for at in self.mended_at
        ]
        return max(waits, default=None)


@contextmanager
def stage(
    *,
    instances: int = 1,
    standby: bool = False,
    has_redis: bool = False,
    within: Path | None = None,
    code: Path | None = None,
) -> Iterator[Stage]:
    """The product with its clients, while the block runs. instances: several of them run behind a proxy.

    within: the folder of PostgreSQL's data. code: the folder of the release that serves; this one by default.
    """
    with ExitStack() as stack, open_folder() as folder, clusters(standby=standby, within=within) as databases:
        store = redis(folder, free_port()) if has_redis else None
        hosts = ",".join(f"127.0.0.1:{cluster.port}" for cluster in databases)
        with product(
            folder,
            f"postgres://postgres@{hosts}/postgres",
            databases[0].execute,
            instances=instances,
            store=store,
            code=code,
        ) as on:
            on.databases, on.within, on.stack = databases, within, stack
            yield on


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user of the machine may enter."""
    with tempfile.TemporaryDirectory(prefix="accounts-faults-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def product(
    folder: Path,
    database: str,
    execute: Execute,
    *,
    instances: int,
    store: Part | None,
    code: Path | None = None,
    **environment: str,
) -> Iterator[Stage]:
    """The product on an existing database. store: its Redis, which is not started yet."""
    with mail_server() as mails, ExitStack() as stack:
        if instances > 1:
            environment["TRUSTED_PROXY_COUNT"] = "1"
        environment = environment_of(database, mails, store) | environment
        migrate(cwd=code, **environment)
        webs = [Web(log=folder / f"web{number}.log", cwd=code, **environment) for number in range(instances)]
        worker = mail_worker(folder, code, environment)
        parts: list[Part] = [*([store] if store else []), *webs, worker]
        port = webs[0].port
        if instances > 1:
            port, before = proxy(folder, webs)
            parts.append(before)
        stack.enter_context(killed_at_the_end(parts))
        for part in parts:
            part.start()
        wait_until_served(port)
        load = Load(History(port), is_previous=code is not None)
        yield Stage(folder, execute, environment, webs, worker, mails, store, load)


def environment_of(database: str, mails: MailServer, store: Part | None) -> dict[str, str]:
    environment = {
        "DATABASE_URL": database,
        "EMAIL_URL": f"smtp://127.0.0.1:{mails.port}",
        "CACHE_URL": f"redis://127.0.0.1:{store.command[2]}/0" if store else "",
        # From outside, both instances are one server.
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "LOG_LEVEL": "WARNING",
        "ACCESS_TOKEN_MINUTES": "60",
        "PYTHONUNBUFFERED": "1",
    }
    return environment | dict.fromkeys(LIMITS, "1000000")


def mail_worker(folder: Path, code: Path | None, environment: dict[str, str]) -> Part:
    command = (sys.executable, "manage.py", "deliver_mail")
    return Part(*command, log=folder / "worker.log", cwd=code, **environment)
