"""Who asks too often waits for the refusal, in every dialect, and keeps nobody else from anything."""

import threading
import time
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client

from accounts.ops import refusals
from accounts.services import passwords
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex
from tests.clients.fastapi_users import FastAPIUsers

HELD_SECONDS = 0.3
DOORS = {
    "authapi": lambda password: AuthApi().login("alice", password),
    "fastapi-users": lambda password: FastAPIUsers().login("alice@example.org", password),
    "durudex": lambda password: Durudex().login("alice", password),
    "admin": lambda password: Client().post("/admin/login/", {"username": "alice", "password": password}),
}


@pytest.fixture(autouse=True)
def _held(no_waiting: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "HELD_SECONDS", HELD_SECONDS)


@pytest.mark.parametrize("door", DOORS)
def test_too_many_tries(alice: dict[str, Any], settings: Any, door: str) -> None:
    settings.LIMITS = {**settings.LIMITS, "WRONG_PASSWORDS_PER_HOUR": 0}
    began = time.monotonic()
    assert DOORS[door](PASSWORD).has_header("Retry-After")
    assert time.monotonic() - began >= HELD_SECONDS


@pytest.mark.parametrize("door", DOORS)
def test_too_many_passwords_wait(alice: dict[str, Any], settings: Any, door: str) -> None:
    settings.HASH_QUEUE = 0
    began = time.monotonic()
    places = passwords._take_place(passwords.hash_lock)
    try:
        assert DOORS[door](PASSWORD).has_header("Retry-After")
    finally:
        places.release()
    assert time.monotonic() - began >= HELD_SECONDS


@pytest.mark.parametrize("door", DOORS)
def test_other_refusals_come_at_once(alice: dict[str, Any], monkeypatch: pytest.MonkeyPatch, door: str) -> None:
    monkeypatch.setattr(refusals, "HELD_SECONDS", 60)
    assert not DOORS[door]("wrong-horse-9").has_header("Retry-After")


def test_no_more_wait_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of three clients wait, the third has its refusal before them."""
    monkeypatch.setattr(refusals, "MOST_HELD", 2)
    middleware = refusals.RefusalMiddleware(lambda _request: HttpResponse(status=429, headers={"Retry-After": "1"}))
    let_go = threading.Event()
    waiting = threading.Semaphore(0)

    def pause(_seconds: float) -> None:
        waiting.release()
        assert let_go.wait(30)

    monkeypatch.setattr(refusals.pauses, "pause", pause)
    held = [threading.Thread(target=middleware, args=(HttpRequest(),)) for _ in range(2)]
    for client in held:
        client.start()
    for _ in held:
        assert waiting.acquire(timeout=30)
    assert middleware(HttpRequest()).status_code == 429
    let_go.set()
    for client in held:
        client.join()
    # Their places are free again.
    assert [middleware._places.acquire(blocking=False) for _ in range(3)] == [True, True, False]
