"""gunicorn's own lines are JSON objects on stderr, like all others in the log."""

import http.client
import json
import os
import signal
import socket
import time
from contextlib import closing
from typing import Any

import pytest

from tests.processes import children, finish, web_server
from tests.servers import free_port, wait_for_port

pytestmark = pytest.mark.django_db(transaction=True)


def logged(said: str) -> list[dict[str, Any]]:
    """The log's lines, each with time, level, logger and message, without the welcome at the start."""
    lines = [json.loads(line) for line in said.splitlines() if not line.startswith(("Serving at ", "  "))]
    for line in lines:
        assert list(line)[:4] == ["time", "level", "logger", "message"]
    return lines


def errors(said: str) -> list[tuple[str, str, str]]:
    return [(line["level"], line["logger"], line["message"]) for line in logged(said) if line["level"] != "INFO"]


def wait_until_answers(port: int, *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", "/.well-known/jwks.json")
                assert connection.getresponse().status == 200
                return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def wait_for_another_worker(master: int, *, than: int, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while children(master) in ([], [than]):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with web_server(port) as server:
            code, said = finish(server)
    address = f"('127.0.0.1', {port})"
    attempt = [
        ("ERROR", "gunicorn.error", f"Connection in use: {address}"),
        ("ERROR", "gunicorn.error", f"connection to {address} failed: [Errno 98] Address already in use"),
    ]
    assert (code, errors(said)) == (1, attempt * 5 + [("ERROR", "gunicorn.error", f"Can't connect to {address}")])


@pytest.mark.parametrize("kind", ["killed", "hangs"])
def test_worker_that_is_killed_or_hangs_is_named_and_replaced(kind: str) -> None:
    port = free_port()
    with web_server(port, WEB_CONCURRENCY="1", GUNICORN_CMD_ARGS="--timeout 4") as server:
        wait_for_port(port)
        wait_until_answers(port)
        (worker,) = children(server.pid)
        os.kill(worker, signal.SIGKILL if kind == "killed" else signal.SIGSTOP)
        wait_for_another_worker(server.pid, than=worker)
        wait_until_answers(port)
        server.send_signal(signal.SIGTERM)
        code, said = finish(server)
    killed = ("ERROR", "gunicorn.error", f"Worker (pid:{worker}) was sent SIGKILL! Perhaps out of memory?")
    hung = ("CRITICAL", "gunicorn.error", f"WORKER TIMEOUT (pid:{worker})")
    assert (code, errors(said)) == (0, [killed] if kind == "killed" else [hung, killed])
