"""Clients that send nothing, or only a part of a request, do not delay others, and are given up after a while."""

import http.client
import json
import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

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
    # It requests a large answer and does not read it.
    "no reader": b"GET /static/graphiql/graphiql.min.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
}


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server with two connections to PostgreSQL. Its log must contain no error about slow clients."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with processes.web_server(port, WEB_CONCURRENCY="1", DATABASE_POOL_SIZE="2", PUBLIC_URL=url) as server:
        wait_for_port(port)
        yield port
        server.send_signal(signal.SIGTERM)
        code, said = processes.finish(server)
    assert code == 0, said
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert {(line["level"], line["message"]) for line in lines} <= {("INFO", "request")}


def _send(stack: ExitStack, port: int, part: bytes) -> socket.socket:
    client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
    client.sendall(part)
    return client


def _log_in(port: int) -> tuple[int, Any]:
    """Status and body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/api/auth/login/", json.dumps(LOGIN), {"Content-Type": "application/json"})
    with closing(connection), connection.getresponse() as answer:
        return answer.status, json.load(answer)


def _read_to_the_end(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def _takes_more(client: socket.socket) -> bool:
    try:
        client.sendall(b"\r\n")
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def test_others_are_served_beside_them(port: int, api: AuthApi) -> None:
    api.register("alice")
    with ExitStack() as stack:
        for part in PARTS.values():
            for _ in range(COUNT):
                _send(stack, port, part)
        assert [_log_in(port)[0] for _ in range(4)] == [200] * 4


def test_they_are_given_up(port: int) -> None:
    """After ten seconds without a whole head, and after thirty without a whole body or a reader of the answer."""
    with ExitStack() as stack:
        clients = {name: _send(stack, port, part) for name, part in PARTS.items()}
        reader = stack.enter_context(socket.socket())
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", port))
        reader.sendall(PARTS["no reader"] * 20)
        began = time.monotonic()
        for name in ("nothing", "half a header"):
            assert _read_to_the_end(clients[name]) == b""
            assert 9 < time.monotonic() - began < 25
        for name in ("half a body", "half a chunk"):
            assert _read_to_the_end(clients[name]).startswith(b"HTTP/1.1 400 Bad Request\r\n")
            assert 29 < time.monotonic() - began < 55
        # The client does not read the answer. A failing write shows that the server has closed the connection.
        while _takes_more(reader):
            time.sleep(1)
        assert 29 < time.monotonic() - began < 60


def test_who_stays_connected_or_hangs_up_keeps_no_connection_to_the_database(port: int, api: AuthApi) -> None:
    api.register("alice")
    access = _log_in(port)[1]["access"]
    profile = f"GET /api/auth/user/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {access}\r\n\r\n".encode()
    with ExitStack() as stack:
        for _ in range(10):
            assert _send(stack, port, profile).recv(12) == b"HTTP/1.1 200"
        for _ in range(10):
            with ExitStack() as left:
                # Closing the connection then resets it, so that writing the answer fails.
                no_linger = struct.pack("ii", 1, 0)
                _send(left, port, profile).setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
        assert [_log_in(port)[0] for _ in range(4)] == [200] * 4


def test_a_connection_is_kept_for_the_next_request(port: int) -> None:
    """It is kept for ten seconds, then closed without an answer."""
    head = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        for _ in range(2):
            client.sendall(head)
            while b'"ok"' not in client.recv(65536):
                pass
            time.sleep(4)
        began = time.monotonic()
        assert b'"ok"' not in _read_to_the_end(client)
        assert 4 < time.monotonic() - began < 15
