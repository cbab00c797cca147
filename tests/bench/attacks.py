"""The speed for a normal client while others send slowly, or guess at passwords."""

import resource
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from tests.bench.load import (
    OURS,
    NextRequest,
    ask,
    loggers_in,
    login,
    p99,
    readers,
    request,
    serve,
    times,
)
from tests.bench.timing import WRONG, move_in, wrong_login

SLOW_CLIENTS = 500
STORM_CLIENTS = 64
POST = b"POST /api/auth/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
PARTS = {
    "that send nothing": b"",
    "with half a header": POST + b"X-a: ",
    "with half a body": POST + b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
}
# Measures the candidates in turns: Found of tests.bench.__main__.
Compare = Callable[[dict[str, Callable[[], float]]], Any]


def bench_slow(url: str, compare: Compare) -> None:
    """A normal client beside clients that send only a part of a request."""
    with serve(OURS, workers=2, DATABASE_URL=url) as (port, _pid, _seconds):
        user = request("GET", "/api/auth/user/", token=login(port, "user0")["access"])

        def one_after_another() -> float:
            return p99(times(port, [lambda _body: user], seconds=2)) * 1000

        def beside(*parts: bytes) -> float:
            # The server gives such clients up after ten seconds at the earliest.
            with slow_clients(port, parts):
                return one_after_another()

        candidates: dict[str, Callable[[], float]] = {"idle": one_after_another}
        for name, part in PARTS.items():
            candidates[f"beside {SLOW_CLIENTS} {name}"] = lambda part=part: beside(part)  # type: ignore[misc]
        candidates[f"beside {SLOW_CLIENTS} of each"] = lambda: beside(*PARTS.values())
        found = compare(candidates)
    for name in candidates:
        print(f"user/ {name:34} p99 {found.median(name):6.2f} ms  ratio {found.ratio(name, 'idle'):5.2f}  limit 2.00")


@contextmanager
def slow_clients(port: int, parts: tuple[bytes, ...]) -> Iterator[None]:
    """SLOW_CLIENTS connections for each of these parts of a request."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with ExitStack() as stack:
        for part in parts:
            for _ in range(SLOW_CLIENTS):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
                client.sendall(part)
        yield


def bench_storm(url: str, compare: Compare) -> None:
    """Token checks, beside clients that send wrong passwords without a pause."""
    with serve(OURS, workers=2, DATABASE_URL=url, RATE_LIMITS="off") as (port, _pid, _seconds):
        checkers = readers("POST", "/api/auth/token/verify/", "", {"token": login(port, "user0")["access"]})
        wrong = wrong_login("user1")
        guessers: list[NextRequest] = [lambda _body: wrong] * STORM_CLIENTS
        rates: dict[str, list[float]] = {"idle": [], "storm": []}

        def check(name: str, beside: list[NextRequest]) -> float:
            taken = times(port, checkers, beside=beside, beside_get=(400, 503))
            rates[name].append(len(taken) / 3)
            return p99(taken) * 1000

        found = compare({"idle": lambda: check("idle", []), "storm": lambda: check("storm", guessers)})
    for name, title in (("idle", "idle"), ("storm", f"beside {STORM_CLIENTS} guessers")):
        rate = statistics.median(rates[name])
        ratio = f"ratio {found.ratio(name, 'idle'):5.2f}  limit 2.00"
        print(f"token/verify/ {title:20} {rate:6.0f}/s  p99 {found.median(name):7.2f} ms  {ratio}")


OWN_CLIENTS = FOREIGN_CLIENTS = 4


def bench_foreign(url: str, compare: Compare, names: list[str]) -> None:
    """Logins to accounts with hashes of ours, beside wrong passwords for accounts with slow hashes of others."""
    move_in(url)
    with serve(OURS, workers=2, DATABASE_URL=url, RATE_LIMITS="off") as (port, _pid, _seconds):
        users = loggers_in(names)[:OWN_CLIENTS]
        wrong = [wrong_login(f"moved{number}") for number in range(FOREIGN_CLIENTS)]
        guessers: list[NextRequest] = [lambda _body, each=each: each for each in wrong]  # type: ignore[misc]

        def log_in(beside: list[NextRequest]) -> float:
            return p99(times(port, users, beside=beside, beside_get=(400,))) * 1000

        found = compare({"alone": lambda: log_in([]), "beside": lambda: log_in(guessers)})
    title = f"{OWN_CLIENTS} clients log in, beside {FOREIGN_CLIENTS} with old hashes"
    alone, beside = found.median("alone"), found.median("beside")
    print(f"{title}  p99 {beside:.0f} ms, alone {alone:.0f}  ratio {found.ratio('beside', 'alone'):5.2f}", flush=True)


MARKS = "a" + "\u0301" * 12000 + "\u0327" * 12000
MARKS_LIMIT_MS = 5


def bench_marks(url: str, compare: Compare) -> None:
    """48 kB of combining marks in the place of a name, beside a short name that nobody has."""
    query = "mutation ($input: SignInInput!) { signIn(input: $input) { access refresh } }"

    def asked(name: str) -> dict[str, bytes]:
        named = {"input": {"username": name, "password": WRONG}}
        return {
            "AuthApi": request("POST", "/api/auth/login/", named["input"]),
            "Durudex": request("POST", "/graph/query", {"query": query, "variables": named}),
        }

    with serve(OURS, workers=1, DATABASE_URL=url, RATE_LIMITS="off") as (port, _pid, _seconds):

        def milliseconds(prepared: bytes) -> float:
            taken = []
            for _ in range(20):
                began = time.perf_counter()
                status, said = ask(port, prepared)
                taken.append((time.perf_counter() - began) * 1000)
                assert status in (200, 400), said
            return statistics.median(taken)

        for door, marks in asked(MARKS).items():
            short = asked("nobody")[door]
            found = compare({"marks": partial(milliseconds, marks), "short": partial(milliseconds, short)})
            more = found.median("marks") - found.median("short")
            say = f"{more:6.2f} ms more than with a short name  limit {MARKS_LIMIT_MS:.2f}"
            print(f"login with 48 kB of marks, {door:8} {say}", flush=True)
