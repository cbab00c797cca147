"""config/Procfile under honcho, as `make run` starts it: a killed part is restarted, a failing part ends everything."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.processes import children, database_url, finish
from tests.servers import free_port, wait_for_port

KEEP = ("sh", "config/keep.sh")


@contextmanager
def honcho(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """honcho with the web server and a mail worker without mail, while the block runs."""
    environment = {**os.environ, "DATABASE_URL": database_url(), "SERVED_PORT": str(port), "WEB_CONCURRENCY": "1"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    command = ["honcho", "--no-prefix", "--procfile", "config/Procfile", "--app-root", ".", "start", "--port", "8000"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=30)


def descendants(pid: int) -> list[int]:
    return [each for child in children(pid) for each in (child, *descendants(child))]


def part(runner: int, program: str, *, other_than: int = 0, seconds: float = 30) -> int:
    """Waits for the process that runs `program`, and returns it."""
    deadline = time.monotonic() + seconds
    while not (found := [pid for pid in running(runner, program) if pid != other_than]):
        assert time.monotonic() < deadline, f"no {program}"
        time.sleep(0.05)
    return found[0]


def running(pid: int, program: str) -> list[int]:
    """The descendants that run `program`, without shells around them and without processes that they have started."""
    interpreter, _, rest = command_line(pid).partition("\0")
    if program in rest and not interpreter.endswith("sh"):
        return [pid]
    if not interpreter:
        # It is dying, and its children may still be listed as its own.
        return []
    return [each for child in children(pid) for each in running(child, program)]


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def answers(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", "/.well-known/jwks.json")
        return connection.getresponse().status == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_killed_part_comes_back_beside_the_other_and_a_signal_ends_all(end: signal.Signals) -> None:
    port = free_port()
    with honcho(port) as runner:
        wait_for_port(port)
        web, worker = part(runner.pid, "gunicorn"), part(runner.pid, "deliver_mail")
        os.kill(worker, signal.SIGKILL)
        part(runner.pid, "deliver_mail", other_than=worker)
        assert part(runner.pid, "gunicorn") == web
        assert answers(port)
        everything = descendants(runner.pid)
        runner.send_signal(end)
        # honcho itself kills after 5 seconds; all parts end earlier.
        code, said = finish(runner, seconds=30)
    assert code == 128 + end
    assert "Killed by signal 9, started again: python manage.py deliver_mail" in said
    assert "SIGKILL" not in said
    assert [pid for pid in everything if Path(f"/proc/{pid}").exists()] == []


@pytest.mark.django_db(transaction=True)
def test_killed_web_server_comes_back() -> None:
    port = free_port()
    with honcho(port) as runner:
        wait_for_port(port)
        web, worker = part(runner.pid, "gunicorn"), part(runner.pid, "deliver_mail")
        os.kill(web, signal.SIGKILL)
        # Its workers may answer for a moment. The new server waits until they have released the port.
        again = part(runner.pid, "gunicorn", other_than=web)
        deadline = time.monotonic() + 60
        while not children(again):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert answers(port)
        assert part(runner.pid, "deliver_mail") == worker


@pytest.mark.django_db(transaction=True)
def test_part_that_fails_ends_all_with_its_message() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, honcho(taken.getsockname()[1]) as runner:
        worker = part(runner.pid, "deliver_mail")
        code, said = finish(runner)
    assert code == 1
    assert "Can't connect to" in said
    assert "started again" not in said
    assert not Path(f"/proc/{worker}").exists()


def test_status_of_the_command_is_passed_on() -> None:
    assert subprocess.run([*KEEP, "sh", "-c", "exit 3"]).returncode == 3


def test_killed_command_runs_again(tmp_path: Path) -> None:
    command = f"echo run >> {tmp_path}/runs; [ $(wc -l < {tmp_path}/runs) = 2 ] && exit 4; kill -9 $$"
    assert subprocess.run([*KEEP, "sh", "-c", command], stderr=subprocess.DEVNULL, timeout=30).returncode == 4
    assert (tmp_path / "runs").read_text() == "run\nrun\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_is_passed_on_and_waits_for_the_command(number: signal.Signals) -> None:
    # The command needs a moment to end, and gets another signal during that time.
    command = "trap 'echo stopping; sleep 1; exit 5' TERM; echo ready; while :; do sleep 0.1; done"
    with subprocess.Popen([*KEEP, "sh", "-c", command], stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"ready\n"
        keeper.send_signal(number)
        assert keeper.stdout.readline() == b"stopping\n"
        keeper.send_signal(number)
        assert keeper.wait(timeout=30) == 5
