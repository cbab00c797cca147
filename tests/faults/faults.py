"""The faults: each one is done several times to the product, while its clients go on."""

import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.clusters import Cluster, wait_until
from tests.faults.machines import kill_nodes, kill_primaries, machines
from tests.faults.product import migrate
from tests.faults.proxy import HAPROXY, SEEN_WITHIN
from tests.faults.stage import Skipped, Stage, stage
from tests.migrations.previous import take_out

# Seconds without a fault after each fault.
SETTLE = 2.0
# A new cluster takes some 60 MB.
SMALL_DISK = "size=160m,mode=755"


@dataclass(frozen=True)
class Fault:
    """do: does the fault several times to the product that `setting` starts."""

    times: int
    do: Callable[[Stage, int], None]
    setting: Callable[[], AbstractContextManager[Stage]] = stage


def kill_web_workers(on: Stage, times: int) -> None:
    for _ in range(times):
        on.webs[0].kill_one_child()
        on.mended()
        time.sleep(1)


def kill_servers(on: Stage, times: int) -> None:
    """Kills in turns the whole server, like its container, and only its first process."""
    for number in range(times):
        on.webs[0].kill_first() if number % 2 else on.webs[0].kill()
        on.mended()
        on.webs[0].start()
        time.sleep(SETTLE)


def kill_instances(on: Stage, times: int) -> None:
    """Kills one of two instances at a time."""
    for number in range(times):
        web = on.webs[number % len(on.webs)]
        web.kill()
        on.mended()
        time.sleep(1)
        web.start()
        time.sleep(SETTLE)


def kill_mail_workers(on: Stage, times: int) -> None:
    for _ in range(times):
        on.worker.kill()
        on.worker_killed_at.append(time.monotonic())
        on.worker.start()
        # It starts with the mails that have gathered meanwhile. Then one mail comes after the other.
        time.sleep(random.uniform(1.5, 4))


def crash_postgres(on: Stage, times: int) -> None:
    for _ in range(times):
        on.databases[0].stop()
        time.sleep(1)
        on.databases[0].start()
        on.mended()
        time.sleep(SETTLE)


def pause_postgres(on: Stage, times: int, *, seconds: float = 14) -> None:
    for _ in range(times):
        on.databases[0].pause()
        time.sleep(seconds)
        on.databases[0].go_on()
        on.mended()
        time.sleep(SETTLE)


def fail_over(on: Stage, times: int) -> None:
    """The primary is gone. Its standby, which has all acknowledged commits, takes its place."""
    primary, standby = on.databases
    for number in range(times):
        follow(primary)
        time.sleep(SETTLE)
        primary.stop()
        time.sleep(1)
        standby.execute("SELECT pg_promote()")
        on.mended()
        on.execute = standby.execute
        time.sleep(SETTLE)
        if number + 1 < times:
            primary, standby = standby, Cluster(on.folder / f"again{number}", standby_of=standby, port=primary.port)
            on.databases[:] = [primary, standby]
            on.stack.callback(standby.stop)


def follow(primary: Cluster) -> None:
    """From now on a commit is acknowledged after the standby has written it to its disk."""
    primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
    is_in_step = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
    wait_until(lambda: primary.execute(is_in_step) == [(1,)], seconds=10)


def fill_disk(on: Stage, times: int, *, seconds: float = 6) -> None:
    assert on.within is not None
    ballast = on.within / "ballast"
    for _ in range(times):
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(b"0" * 65536):
                    pass
            except OSError:
                pass
        time.sleep(seconds)
        ballast.unlink()
        if not on.databases[0].is_running:
            on.databases[0].start()
        on.mended()
        time.sleep(SETTLE)


class Everybody(set[str]):
    def __contains__(self, _address: object) -> bool:
        return True


def refuse_mail(on: Stage, times: int) -> None:
    """In turns the mail server refuses mail for now, closes the connection after it has read a letter, and is slow."""
    for number in range(times):
        if number % 3 == 0:
            on.mails.refuse = "451 4.3.0 try again later"
        elif number % 3 == 1:
            on.mails.drop_on = Everybody()
        else:
            on.mails.pause = 3
        time.sleep(6)
        on.mails.refuse, on.mails.drop_on, on.mails.pause = "", set(), 0
        time.sleep(SETTLE)


def kill_redis(on: Stage, times: int) -> None:
    assert on.redis is not None
    for _ in range(times):
        on.redis.kill()
        on.mended()
        time.sleep(SETTLE)
        on.redis.start()
        time.sleep(SETTLE)


def restart_in_turns(on: Stage, times: int) -> None:
    """Stops and starts each instance, while the other one serves."""
    for _ in range(times):
        for part in (*on.webs, on.worker):
            part.stop()
            part.start()
            time.sleep(SEEN_WITHIN)


def shortly(on: Stage, times: int) -> None:
    """A short selection, for the tests that run with each change."""
    for _ in range(times):
        kill_web_workers(on, 2)
        kill_servers(on, 1)
        crash_postgres(on, 1)


def upgrade(on: Stage, times: int) -> None:
    """The previous release serves, its database is migrated, and it is replaced."""
    migrate(**on.environment)
    time.sleep(SETTLE)
    for part in (*on.webs, on.worker):
        part.cwd = None
    restart_in_turns(on, times)


@contextmanager
def two_instances(code: Path | None = None) -> Iterator[Stage]:
    if HAPROXY is None:
        raise Skipped("no HAProxy on this machine")
    with stage(instances=2, code=code) as on:
        yield on


@contextmanager
def two_of_the_previous_release() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="accounts-faults-") as folder:
        try:
            take_out(Path(folder))
        except ValueError as error:
            raise Skipped(str(error)) from None
        with two_instances(Path(folder)) as on:
            yield on


@contextmanager
def on_a_small_disk() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="accounts-faults-") as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", SMALL_DISK, "tmpfs", folder], capture_output=True)
        if mounted.returncode:
            raise Skipped(f"no small file system can be mounted: {mounted.stderr.decode().strip()}")
        try:
            with stage(within=Path(folder)) as on:
                yield on
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


FAULTS = {
    "web-worker": Fault(20, kill_web_workers),
    "server": Fault(20, kill_servers),
    "mail-worker": Fault(20, kill_mail_workers),
    "crash": Fault(8, crash_postgres),
    "pause": Fault(4, pause_postgres),
    "failover": Fault(2, fail_over, partial(stage, standby=True)),
    "disk": Fault(3, fill_disk, on_a_small_disk),
    "smtp": Fault(6, refuse_mail),
    "redis": Fault(5, kill_redis, partial(stage, has_redis=True)),
    "restart": Fault(20, restart_in_turns, two_instances),
    "upgrade": Fault(1, upgrade, two_of_the_previous_release),
    "machines-primary": Fault(10, kill_primaries, machines),
    "machines-node": Fault(5, kill_nodes, machines),
    "machines-instance": Fault(10, kill_instances, machines),
    "machines-redis": Fault(5, kill_redis, machines),
}
