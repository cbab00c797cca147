"""A real SMTP server for the tests. It misbehaves on request."""

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from email.parser import BytesParser
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.servers import free_port


class MailServer:
    """An SMTP server on 127.0.0.1. letters: the accepted mails, in order; taken_at: their times, in seconds.

    utf8: whether it offers SMTPUTF8. contents: the accepted octets, with the options of MAIL FROM.

    refuse: the reply to RCPT for every address, or for those in `refused`, for example "550 no such user".
    refuse_sender: the same for MAIL FROM. refuse_login: whether it takes no password.
    slow_on: addresses whose RCPT is answered that many seconds late. drip: a line of that answer comes twice a second.
    asked: the address of each RCPT. hang_on: addresses whose message is never answered after DATA.
    drop_on: addresses at which it hangs up.
    """

    def __init__(self, *, utf8: bool = True) -> None:
        self.port = free_port()
        self.letters: list[tuple[str, Message]] = []
        self.contents: list[tuple[list[str], bytes]] = []
        self.taken_at: list[float] = []
        self.refuse = ""
        self.refused: set[str] | None = None
        self.refuse_sender = ""
        self.refuse_login = False
        self.slow_on: dict[str, float] = {}
        self.drip = False
        self.asked: list[str] = []
        self.hang_on: set[str] = set()
        self.drop_on: set[str] = set()
        self.pause = 0.0
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            enable_SMTPUTF8=utf8,
            authenticator=self._authenticate,
            auth_require_tls=False,
        )

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    def _authenticate(self, *_asked: Any) -> AuthResult:
        return AuthResult(success=not self.refuse_login, handled=False)

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.refuse_sender:
            return self.refuse_sender
        envelope.mail_from, envelope.mail_options = address, options
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        self.asked.append(address)
        until = time.monotonic() + self.slow_on.get(address, 0)
        while time.monotonic() < until:
            await asyncio.sleep(0.5 if self.drip else until - time.monotonic())
            if self.drip:
                await server.push("250-wait")
        if self.refuse and (self.refused is None or address in self.refused):
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        (address,) = envelope.rcpt_tos
        if address in self.hang_on:
            await asyncio.sleep(60)
        if address in self.drop_on:
            server.transport.abort()
            return "421 gone"
        if self.pause:
            await asyncio.sleep(self.pause)
        self.letters.append((address, BytesParser().parsebytes(envelope.content)))
        self.contents.append((envelope.mail_options, envelope.content))
        self.taken_at.append(time.monotonic())
        return "250 OK"

    def counts(self) -> Counter[str]:
        return Counter(address for address, _ in self.letters)

    def wait_for(self, count: int, *, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while len(self.letters) < count:
            assert time.monotonic() < deadline, f"{len(self.letters)} of {count} letters came"
            time.sleep(0.02)


@contextmanager
def mail_server(*, utf8: bool = True) -> Iterator[MailServer]:
    server = MailServer(utf8=utf8)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that accepts connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(50)
        held: list[socket.socket] = []
        stop = threading.Event()
        listening.settimeout(0.2)

        def accept() -> None:
            while not stop.is_set():
                try:
                    held.append(listening.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            stop.set()
            thread.join()
            for connection in held:
                connection.close()


def use(settings: Any, port: int) -> None:
    """Makes the product in this process send its mail to the server at this port."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 1
