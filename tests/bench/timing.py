"""Whether the time of an answer reveals to a stranger that a name is known."""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pyotp
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.utils.http import urlsafe_base64_encode

from tests.bench.load import OURS, PASSWORD, Connection, ask, login, request, serve

WRONG = "wrong-horse-9"
# About 350 ms of a core.
OLD_ROUNDS = 1_000_000
# The answers to the others come after a pause, so that one client for each of them leaves the server nearly idle.
AT_ONCE = ("login", "factor")


def bench_timing(url: str, count: int) -> None:
    """AUC 0.5: the time reveals nothing; 1: it always does."""
    with serve(OURS, workers=1, DATABASE_URL=url, RATE_LIMITS="off") as (port, _pid, _seconds):
        print(f"AUC of known against unknown names, {count} a side, 95 % within {1.96 / (6 * count) ** 0.5:.3f}")
        found = pairs(port)
        evenly = [name for name in found if name not in AT_ONCE]
        with ThreadPoolExecutor(len(evenly)) as clients:
            for name, taken in zip(
                evenly, clients.map(lambda name: alternately(port, found[name], count), evenly), strict=True
            ):
                report(name, *taken)
        for name in AT_ONCE:
            report(name, *alternately(port, found[name], count))
    # From now on every wrong password takes longer, so this comes last.
    move_in(url)
    with serve(OURS, workers=1, DATABASE_URL=url, RATE_LIMITS="off") as (port, _pid, _seconds):
        report("foreign", *alternately(port, foreign, count))
        report("ours", *alternately(port, beside_foreign, count))


def report(name: str, known: list[float], unknown: list[float]) -> None:
    middle = [statistics.median(side) * 1000 for side in (known, unknown)]
    times_said = f"known {middle[0]:6.2f} ms  unknown {middle[1]:6.2f} ms"
    print(f"{name:8} {times_said}  AUC {auc(known, unknown):.3f}  limit 0.45 to 0.55", flush=True)


def pairs(port: int) -> dict[str, Callable[[int, bool], bytes]]:
    """For each operation, a function that makes the request with this number for a known or an unknown name."""
    ids = [register(port, f"known{number}") for number in range(8)]
    for number in range(8):
        register(port, f"guarded{number}")
        enrol(port, login(port, f"guarded{number}")["access"])

    def name(number: int, known: bool) -> str:
        return f"{'known' if known else 'stray'}{number % 8}"

    def address(number: int, known: bool) -> dict[str, str]:
        return {"email": name(number, known) + "@example.org"}

    def confirm(number: int, known: bool) -> bytes:
        id = ids[number % 8] if known else str(uuid.UUID(int=number % 8))
        uid = urlsafe_base64_encode(id.encode())
        passwords = {"new_password1": PASSWORD, "new_password2": PASSWORD}
        return request(
            "POST", "/api/auth/password/reset/confirm/", {"uid": uid, "token": f"{uid}.d4zzzz-{'0' * 32}", **passwords}
        )

    def code(number: int, known: bool) -> bytes:
        query = "mutation ($email: String!) { createVerifyEmailCode(email: $email) }"
        return request("POST", "/graph/query", {"query": query, "variables": address(number, known)})

    return {
        "login": lambda number, known: wrong_login(name(number, known)),
        "reset": lambda number, known: request("POST", "/api/auth/password/reset/", address(number, known)),
        "resend": lambda number, known: request("POST", "/api/auth/registration/resend-email/", address(number, known)),
        "code": code,
        "confirm": confirm,
        # Accounts with a second factor against accounts without one, before the password is proved.
        "factor": lambda number, known: wrong_login(f"{'guarded' if known else 'known'}{number % 8}"),
    }


def foreign(number: int, known: bool) -> bytes:
    """A login of an account that moved in with a slow hash, or of an unknown name."""
    return wrong_login(f"{'moved' if known else 'stray'}{number % 8}")


def beside_foreign(number: int, known: bool) -> bytes:
    """A login of an account with a hash of ours, or of an unknown name."""
    return wrong_login(f"{'known' if known else 'stray'}{number % 8}")


def wrong_login(name: str) -> bytes:
    return request("POST", "/api/auth/login/", {"username": name, "password": WRONG})


def move_in(url: str) -> None:
    """Eight accounts with hashes of another system."""
    hashed = PBKDF2PasswordHasher().encode(PASSWORD, "saltsaltsalt", iterations=OLD_ROUNDS)
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write("username,email,password\n")
        file.writelines(f"moved{number},moved{number}@example.org,{hashed}\n" for number in range(8))
        file.flush()
        subprocess.run(
            [sys.executable, "manage.py", "import_users", file.name, "--format", "csv"],
            env={**os.environ, "DATABASE_URL": url},
            check=True,
            capture_output=True,
        )


def register(port: int, name: str) -> str:
    """The id of a new user, whose address is not verified."""
    body = {"username": name, "email": f"{name}@example.org", "password1": PASSWORD, "password2": PASSWORD}
    status, said = ask(port, request("POST", "/api/auth/registration/", body))
    assert status == 201, said
    return str(json.loads(said)["user"]["pk"])


def enrol(port: int, access: str) -> None:
    """Adds an authenticator app to the user of this access token."""
    offer = json.loads(ask(port, request("GET", "/api/auth/mfa/totp/activate/", token=access))[1])
    body = {"activation_token": offer["activation_token"], "code": pyotp.TOTP(offer["secret"]).now()}
    status, said = ask(port, request("POST", "/api/auth/mfa/totp/activate/", body, token=access))
    assert status == 200, said


def alternately(port: int, prepare: Callable[[int, bool], bytes], count: int) -> tuple[list[float], list[float]]:
    """The times of `count` requests about known and of as many about unknown names, in pairs of random order."""
    connection = Connection(port)
    taken: dict[bool, list[float]] = {True: [], False: []}
    statuses: dict[bool, set[int]] = {True: set(), False: set()}
    chance = random.Random(12)
    with connection.socket:
        # The extra cost of the first requests does not count.
        for number in range(-20, count):
            for known in chance.sample([True, False], 2):
                prepared = prepare(number, known)
                began = time.perf_counter()
                connection.socket.sendall(prepared)
                while (answer := connection.receive()) is None:
                    pass
                if number >= 0:
                    taken[known].append(time.perf_counter() - began)
                    statuses[known].add(answer[0])
    assert statuses[True] == statuses[False], statuses
    return taken[True], taken[False]


def auc(known: list[float], unknown: list[float]) -> float:
    """How often a known name takes longer than an unknown one; a tie is half."""
    ordered = sorted(unknown)
    less = sum(bisect_left(ordered, each) + bisect_right(ordered, each) for each in known) / 2
    return less / (len(known) * len(unknown))
