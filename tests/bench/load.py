"""Servers to measure, and clients that keep a connection open and send one request after the other."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers import free_port

PASSWORD = "correct-horse-9"
GUNICORN = str(Path(sys.executable).with_name("gunicorn"))


@contextmanager
def serve(application: str, *, workers: int, **environment: str) -> Iterator[tuple[int, int, float]]:
    """(port, pid, seconds until the first answer) of a gunicorn set up as the product's own, for the peer as well."""
    port = free_port()
    command = [GUNICORN, application, "--bind", f"127.0.0.1:{port}", "--workers", str(workers)]
    command += ["--worker-class", "gthread", "--threads", "4", "--preload", "--keep-alive", "60"]
    environment = {"PORT": str(port), "PUBLIC_URL": f"http://127.0.0.1:{port}", **environment}
    started = time.monotonic()
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                Client(port).call("GET", "/api/auth/user/")
                break
            except OSError:
                if time.monotonic() - started > 30:
                    raise
                time.sleep(0.01)
        yield port, process.pid, time.monotonic() - started
    finally:
        process.terminate()
        process.wait()


class Client:
    """A bare HTTP/1.1 client: it shares the cores with what it measures, so it does little.

    It keeps a connection for PER_CONNECTION requests. If it kept one for good, all clients might have been accepted by
    one of the workers, and the other core would be idle for the whole round.
    """

    PER_CONNECTION = 25

    def __init__(self, port: int) -> None:
        self._port = port
        self._left = 0

    def _connect(self) -> None:
        if hasattr(self, "_socket"):
            self._file.close()
            self._socket.close()
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=30)
        self._file = self._socket.makefile("rb")
        self._left = self.PER_CONNECTION

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, bytes]:
        return self.send(request(method, path, body, token))

    def send(self, prepared: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to a request()."""
        if not self._left:
            self._connect()
        self._left -= 1
        self._socket.sendall(prepared)
        status = int(self._file.readline().split(b" ", 2)[1])
        length = 0
        while (line := self._file.readline()) != b"\r\n":
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        return status, self._file.read(length)

    def login(self, name: str) -> dict[str, Any]:
        status, body = self.call("POST", "/api/auth/login/", {"username": name, "password": PASSWORD})
        assert status == 200, body
        return dict(json.loads(body))


def request(method: str, path: str, body: Any = None, token: str = "") -> bytes:
    """The bytes of a request with a JSON body, or none."""
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(data)}\r\n"
    head += "Content-Type: application/json\r\n" if data else ""
    head += f"Authorization: Bearer {token}\r\n" if token else ""
    return head.encode() + b"\r\n" + data


def rate(make: Callable[[int], Callable[[], None]], *, clients: int = 16, seconds: float = 3) -> float:
    """How often a second `clients` threads together run what `make(number)` gives each of them."""
    runs = [make(number) for number in range(clients)]
    counts = [0] * clients
    stop = time.monotonic() + seconds

    def work(number: int) -> None:
        while time.monotonic() < stop:
            runs[number]()
            counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def reader(port: int, method: str, path: str, token: str, body: Any = None) -> Callable[[int], Callable[[], None]]:
    prepared = request(method, path, body, token)

    def make(_number: int) -> Callable[[], None]:
        client = Client(port)

        def run() -> None:
            status, said = client.send(prepared)
            assert status == 200, said

        return run

    return make


def refresher(port: int, names: list[str]) -> Callable[[int], Callable[[], None]]:
    """Each client has a session of its own and refreshes it with the token it got last."""

    def make(number: int) -> Callable[[], None]:
        client = Client(port)
        head = [client.login(names[number % len(names)])["refresh"]]

        def run() -> None:
            status, said = client.call("POST", "/api/auth/token/refresh/", {"refresh": head[0]})
            assert status == 200, said
            head[0] = json.loads(said)["refresh"]

        return run

    return make


def manage(settings: str, *args: str, **environment: str) -> None:
    environment = {"DJANGO_SETTINGS_MODULE": settings, **environment}
    subprocess.run(
        [sys.executable, "-m", "django", *args],
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.DEVNULL,
    )
