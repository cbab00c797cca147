"""Servers to measure, and clients that keep a connection open and send one request after the other."""

import http.client
import json
import os
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
    command += ["--worker-class", "gthread", "--threads", "8", "--preload", "--keep-alive", "60"]
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
    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body)
        self._http.request(method, path, data, headers)
        answer = self._http.getresponse()
        return answer.status, answer.read()

    def login(self, name: str) -> dict[str, Any]:
        status, body = self.call("POST", "/api/auth/login/", {"username": name, "password": PASSWORD})
        assert status == 200, body
        return dict(json.loads(body))


def rate(make: Callable[[int], Callable[[], None]], *, clients: int = 8, seconds: float = 3) -> float:
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
    def make(_number: int) -> Callable[[], None]:
        client = Client(port)

        def run() -> None:
            status, said = client.call(method, path, body, "" if body else token)
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
