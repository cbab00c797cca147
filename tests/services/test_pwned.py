"""The service of leaked passwords gets five digits of a hash, for at most a second, and never in a transaction."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.services.pwned import LONGEST_ANSWER
from tests.clients.authapi import PASSWORD, AuthApi
from tests.threads import in_thread

DIGEST = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper()
REASON = "This password was found in a leak. Choose one that you use nowhere else."
LEAKED = f"{'0' * 35}:3\r\n{DIGEST[5:]}:41\r\n{'F' * 35}:0"


class Service(ThreadingHTTPServer):
    """A service on 127.0.0.1. answer: writes its answer; asked: the paths and headers of the requests."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = says(LEAKED)
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/range"


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Add-Padding"]))
        self.server.answer(self)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def says(text: str, status: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.end_headers()
        handler.wfile.write(text.encode())

    return answer


@pytest.fixture
def service(settings: Any) -> Iterator[Service]:
    server = Service()
    with in_thread(server):
        settings.PWNED_PASSWORDS_URL = server.url
        yield server
        server.over.set()


def is_accepted() -> bool:
    try:
        validate_password(PASSWORD)
    except ValidationError as error:
        return error.messages != [REASON]
    return True


def test_leaked(service: Service) -> None:
    assert is_accepted() is False
    assert service.asked == [(f"/range/{DIGEST[:5]}", "true")]


@pytest.mark.parametrize("text", ["", f"{DIGEST[5:]}:0", f"{'0' * 35}:3", f"X{DIGEST[5:]}:3", f"{DIGEST[5:-1]}:3"])
def test_not_leaked(service: Service, caplog: pytest.LogCaptureFixture, text: str) -> None:
    service.answer = says(text)
    assert is_accepted() is True
    assert len(service.asked) == 1
    assert caplog.records == []


def hang(handler: BaseHTTPRequestHandler) -> None:
    handler.server.over.wait(30)  # type: ignore[attr-defined]


def trickle(handler: BaseHTTPRequestHandler) -> None:
    says(LEAKED)(handler)
    while not handler.server.over.wait(0.1):  # type: ignore[attr-defined]
        try:
            handler.wfile.write(b"\r\n")
        except OSError:
            return


def too_much(handler: BaseHTTPRequestHandler) -> None:
    try:
        says(LEAKED + "\r\n" * LONGEST_ANSWER)(handler)
    except OSError:
        return


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.close()


@pytest.mark.parametrize(
    "answer", [hang, trickle, too_much, hang_up, says(LEAKED, 503), says(LEAKED + "\xff"), says("", 429)]
)
def test_a_service_in_trouble_accepts(service: Service, caplog: pytest.LogCaptureFixture, answer: Any) -> None:
    service.answer = answer
    began = time.monotonic()
    assert is_accepted() is True
    assert time.monotonic() - began < 3
    (record,) = caplog.records
    assert (record.levelname, "did not answer" in record.getMessage()) == ("WARNING", True)
    assert DIGEST[:5] not in record.getMessage()


def test_an_unreachable_service_accepts(service: Service, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.PWNED_PASSWORDS_URL = "http://127.0.0.1:9/range"
    assert is_accepted() is True
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_nobody_is_asked_without_the_setting(service: Service, settings: Any) -> None:
    settings.PWNED_PASSWORDS_URL = ""
    assert is_accepted() is True
    assert service.asked == []


@pytest.mark.django_db
def test_a_client_gets_the_reason(service: Service, api: AuthApi) -> None:
    answer = api.register("bob")
    assert (answer.status_code, answer.json()) == (400, {"password1": [REASON]})
