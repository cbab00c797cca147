"""Servers that are measured, and clients that send one request after the other."""

import json
import os
import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers import free_port

PASSWORD = "correct-horse-9"
CLIENTS = 16
PER_CONNECTION = 25
GUNICORN = str(Path(sys.executable).with_name("gunicorn"))


# The options of gunicorn for the product, without replacing workers after many requests, and for its peer with as many
# threads.
OURS = ["config.wsgi", "--config", "config/gunicorn.py", "--max-requests", "0"]
STOCK = ["tests.bench.stock.wsgi", "--worker-class", "gthread", "--threads", "4", "--preload"]


@contextmanager
def serve(application: list[str], *, workers: int, **environment: str) -> Iterator[tuple[int, int, float]]:
    """(port, pid, seconds until the first answer) of gunicorn."""
    port = free_port()
    command = [GUNICORN, *application, "--bind", f"127.0.0.1:{port}", "--workers", str(workers)]
    environment = {"PORT": str(port), "PUBLIC_URL": f"http://127.0.0.1:{port}", **environment}
    started = time.monotonic()
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                ask(port, request("GET", "/.well-known/jwks.json"))
                break
            except OSError:
                if time.monotonic() - started > 30:
                    raise
                time.sleep(0.01)
        yield port, process.pid, time.monotonic() - started
    finally:
        process.terminate()
        process.wait()


# Makes a client's next request from the body of the previous answer (empty at first).
NextRequest = Callable[[bytes], bytes]


def request(method: str, path: str, body: Any = None, token: str = "") -> bytes:
    """The bytes of a request with a JSON body, or none."""
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(data)}\r\n"
    head += "Content-Type: application/json\r\n" if data else ""
    head += f"Authorization: Bearer {token}\r\n" if token else ""
    return head.encode() + b"\r\n" + data


class Connection:
    """A bare HTTP/1.1 connection. It does little, because it shares the cores with the measured server."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def receive(self) -> tuple[int, bytes] | None:
        """Status and body of the answer, or None while some of it is missing."""
        self._received += self.socket.recv(65536)
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank:
            assert head, "the server hung up"
            return None
        length = int(head.lower().partition(b"\r\ncontent-length:")[2].split(b"\r\n", 1)[0])
        if len(body) < length:
            return None
        self._received = b""
        return int(head[9:12]), body


def ask(port: int, prepared: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to a single request()."""
    connection = Connection(port)
    with connection.socket:
        connection.socket.sendall(prepared)
        while (answer := connection.receive()) is None:
            pass
    return answer


def login_request(name: str) -> bytes:
    return request("POST", "/api/auth/login/", {"username": name, "password": PASSWORD})


def login(port: int, name: str) -> dict[str, Any]:
    """The tokens of a new session."""
    status, said = ask(port, login_request(name))
    assert status == 200, said
    return dict(json.loads(said))


def rate(port: int, clients: list[NextRequest], *, beside: Sequence[NextRequest] = (), seconds: float = 3) -> float:
    """How many requests a second are answered; see times()."""
    return len(times(port, clients, beside=beside, seconds=seconds)) / seconds


def times(
    port: int,
    clients: list[NextRequest],
    *,
    beside: Sequence[NextRequest] = (),
    beside_get: Sequence[int] = (200,),
    seconds: float = 3,
) -> list[float]:
    """The seconds of every answer while each client sends its next request as soon as it has its answer.

    beside: further clients whose answers are not counted. beside_get: the statuses that they may get.

    One thread drives all clients, because several threads would compete for the interpreter on the cores that the
    server needs. A client opens a new connection after PER_CONNECTION requests. Otherwise one worker might have
    accepted all clients, and the other core would be idle for the whole round.
    """
    taken: list[float] = []
    with selectors.DefaultSelector() as selector:

        def connect(next_request: NextRequest, body: bytes, counts: bool) -> None:
            client = Client(Connection(port), next_request, counts)
            selector.register(client.connection.socket, selectors.EVENT_READ, client)
            client.send(body)

        for next_request in beside:
            connect(next_request, b"", False)
        for next_request in clients:
            connect(next_request, b"", True)
        stop = time.monotonic() + seconds
        while time.monotonic() < stop:
            for key, _events in selector.select():
                client: Client = key.data
                answer = client.connection.receive()
                if answer is None:
                    continue
                status, body = answer
                assert status in ((200, 201) if client.counts else beside_get), body
                if client.counts:
                    taken.append(time.monotonic() - client.sent_at)
                if client.sent < PER_CONNECTION:
                    client.send(body)
                else:
                    selector.unregister(client.connection.socket)
                    client.connection.socket.close()
                    connect(client.next_request, body, client.counts)
        for key in list(selector.get_map().values()):
            client = key.data
            # A login whose answer nobody reads would still take time from the next candidate.
            while not client.counts and client.connection.receive() is None:
                pass
            client.connection.socket.close()
    return taken


@dataclass
class Client:
    """counts: whether its answers are measured. sent: how many requests it has sent over this connection."""

    connection: Connection
    next_request: NextRequest
    counts: bool
    sent: int = 0
    sent_at: float = 0

    def send(self, body: bytes) -> None:
        self.sent += 1
        self.sent_at = time.monotonic()
        self.connection.socket.sendall(self.next_request(body))


def p99(taken: Sequence[float]) -> float:
    """The time within which 99 of 100 answers came."""
    return statistics.quantiles(taken, n=100)[-1]


def readers(method: str, path: str, token: str, body: Any = None) -> list[NextRequest]:
    """CLIENTS clients that send the same request."""
    prepared = request(method, path, body, token)
    return [lambda _body: prepared] * CLIENTS


def refreshers(port: int, names: list[str]) -> list[NextRequest]:
    """CLIENTS clients that each refresh a session of their own with the token they got last."""

    def refresher(name: str) -> NextRequest:
        first = login(port, name)["refresh"]
        return lambda body: request(
            "POST", "/api/auth/token/refresh/", {"refresh": json.loads(body)["refresh"] if body else first}
        )

    return [refresher(names[number % len(names)]) for number in range(CLIENTS)]


def loggers_in(names: list[str]) -> list[NextRequest]:
    """CLIENTS clients that log in again and again."""
    prepared = [login_request(names[number % len(names)]) for number in range(CLIENTS)]
    return [lambda _body, login=login: login for login in prepared]  # type: ignore[misc]


def manage(settings: str, *args: str, **environment: str) -> None:
    environment = {"DJANGO_SETTINGS_MODULE": settings, **environment}
    subprocess.run(
        [sys.executable, "-m", "django", *args],
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.DEVNULL,
    )
