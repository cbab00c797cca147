"""Clients that send nothing, or a part and no more, keep nobody waiting, and are given up after a while."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests import processes
from tests.clients.authapi import PASSWORD, AuthApi
from tests.servers import free_port, wait_for_port

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 60
LOGIN = {"username": "alice", "password": PASSWORD}
POST = b"POST /api/auth/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
PARTS = {
    "nothing": b"",
    "half a header": POST + b"X-a: ",
    "half a body": POST + b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
    "half a chunk": POST + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
    # It asks for a large answer, and does not read it.
    "no reader": b"GET /static/graphiql/graphiql.min.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
}


@pytest.fixture
def port() -> Iterator[int]:
    port = free_port()
    with processes.web_server(port, WEB_CONCURRENCY="1", PUBLIC_URL=f"http://127.0.0.1:{port}"):
        wait_for_port(port)
        yield port


def _send(stack: ExitStack, port: int, part: bytes) -> socket.socket:
    client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
    client.sendall(part)
    return client


def _log_in(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/api/auth/login/", json.dumps(LOGIN), {"Content-Type": "application/json"})
    with closing(connection), connection.getresponse() as answer:
        return answer.status


def _read_to_the_end(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def test_others_are_served_beside_them(port: int, api: AuthApi) -> None:
    api.register("alice")
    with ExitStack() as stack:
        for part in PARTS.values():
            for _ in range(COUNT):
                _send(stack, port, part)
        assert [_log_in(port) for _ in range(4)] == [200] * 4


def test_they_are_given_up(port: int) -> None:
    """After ten seconds without a whole head, and after thirty without a whole body."""
    with ExitStack() as stack:
        clients = {name: _send(stack, port, part) for name, part in PARTS.items()}
        began = time.monotonic()
        for name in ("nothing", "half a header"):
            assert _read_to_the_end(clients[name]) == b""
            assert 9 < time.monotonic() - began < 25
        for name in ("half a body", "half a chunk"):
            assert _read_to_the_end(clients[name]).startswith(b"HTTP/1.1 400 Bad Request\r\n")
            assert 29 < time.monotonic() - began < 55
