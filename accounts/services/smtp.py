"""Sends messages with Django's mail backend of EMAIL_URL, over a few connections at the same time."""

import smtplib
import socket
import threading
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Self

from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

from accounts.models import Message
from accounts.models.user import deliverable

# After this time one mail is given up for now, even if its server still answers.
LONGEST_SECONDS = 60
OWN_HOSTS = ("localhost", "127.0.0.1", "::1")


class DeliveryError(Exception):
    """The message was not accepted. permanent: a later attempt would fail too.

    trouble: why the server accepts no mail of ours, for the log; "" if only this message is affected.
    """

    def __init__(self, reason: str, *, permanent: bool, trouble: str = "") -> None:
        super().__init__(reason)
        self.permanent = permanent
        self.trouble = trouble


class Courier:
    """Sends in threads of its own, so that one message that hangs does not hold up the others.

    at_once: how many messages are sent at the same time. Each has a connection, which the next message reuses.
    unsettled: the messages that it was given and their results. The caller settles each in the outbox and removes it
    here. A future raises DeliveryError if the message was not accepted.
    """

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self.unsettled: dict[Future[None], Message] = {}
        self._pool = ThreadPoolExecutor(at_once)
        self._idle: deque[BaseEmailBackend] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown()
        self.hang_up()

    def send(self, message: Message) -> None:
        """Begins to send. The server has EMAIL_TIMEOUT for each answer, and LONGEST_SECONDS for all of them."""
        self.unsettled[self._pool.submit(self._send, message)] = message

    def under_way(self) -> int:
        """How many messages wait for a thread or for the mail server."""
        return sum(not future.done() for future in self.unsettled)

    def wait(self, seconds: float) -> None:
        """Waits until a message is sent or refused, at most this long."""
        under_way = [future for future in self.unsettled if not future.done()]
        wait(under_way, timeout=seconds, return_when=FIRST_COMPLETED)

    def hang_up(self) -> None:
        """Closes the idle connections. Otherwise the server would close them, and the next mail would fail."""
        while self._idle:
            _close(self._idle.pop())

    def _send(self, message: Message) -> None:
        connection = self._idle_or_new()
        started = time.monotonic()
        deadline = threading.Timer(LONGEST_SECONDS, _cut, [connection])
        try:
            to = deliverable(message.to)
            connection.open()
            deadline.start()
            mail = EmailMultiAlternatives(
                subject=message.subject,
                body=message.text,
                to=[to],
                headers={"Message-ID": message.message_id, "Auto-Submitted": "auto-generated"},
                connection=connection,
            )
            mail.attach_alternative(message.html, "text/html")
            if isinstance(connection, EmailBackend) and connection.connection and not to.isascii():
                _send_internationalized(connection.connection, mail, message.html)
            else:
                mail.send()
        except DeliveryError:
            _close(connection)
            raise
        except Exception as error:
            # The connection may be in the middle of a dialogue, so the next message opens a new one.
            _close(connection)
            if time.monotonic() - started >= LONGEST_SECONDS:
                reason = f"It took longer than {LONGEST_SECONDS} seconds."
                raise DeliveryError(reason, permanent=False) from error
            raise DeliveryError(_reason(error), permanent=_is_permanent(error), trouble=_trouble(error)) from error
        finally:
            deadline.cancel()
        self._idle.append(connection)

    def _idle_or_new(self) -> BaseEmailBackend:
        try:
            return self._idle.pop()
        except IndexError:
            connection: BaseEmailBackend = get_connection()
            return connection


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The kind of the connection. is_private: over TLS, or on this machine. logs_in: with a password."""

    is_private: bool
    offers_starttls: bool
    logs_in: bool


def probe(*, seconds: float) -> Seen | None:
    """Connects to the mail server as for a mail (EHLO, STARTTLS, AUTH), but sends none (NOOP, QUIT).

    Returns None if EMAIL_URL names no server. seconds: for each of its answers. Raises OSError and SMTPException.
    """
    connection = get_connection(timeout=seconds)
    if not isinstance(connection, EmailBackend):
        return None
    try:
        connection.open()
        client = connection.connection
        if client is None:
            raise smtplib.SMTPServerDisconnected("there is no connection")
        client.ehlo_or_helo_if_needed()
        code, said = client.noop()
        if code != 250:
            raise smtplib.SMTPResponseException(code, said)
        return Seen(
            is_private=bool(connection.use_tls or connection.use_ssl or connection.host in OWN_HOSTS),
            offers_starttls=client.has_extn("starttls"),
            logs_in=bool(connection.username),
        )
    finally:
        _close(connection)


def _send_internationalized(client: smtplib.SMTP, mail: EmailMultiAlternatives, html: str) -> None:
    """Sends to an address beyond ASCII with SMTPUTF8 (RFC 6531). Django's backend would make it a wrong one."""
    client.ehlo_or_helo_if_needed()
    if not client.has_extn("smtputf8"):
        reason = "The mail server does not offer SMTPUTF8, without which no mail can be sent to this address."
        raise DeliveryError(reason, permanent=True)
    letter = EmailMessage(policy=policy.SMTPUTF8)
    letter["Subject"] = mail.subject
    letter["From"] = mail.from_email
    letter["To"] = ", ".join(mail.to)
    letter["Date"] = formatdate()
    for name, value in mail.extra_headers.items():
        letter[name] = value
    letter.set_content(mail.body)
    letter.add_alternative(html, subtype="html")
    client.send_message(letter, parseaddr(mail.from_email)[1], mail.to)


def _cut(connection: BaseEmailBackend) -> None:
    """Closes a connection in the middle of a dialogue, from another thread."""
    client = connection.connection if isinstance(connection, EmailBackend) else None
    if client is not None and client.sock is not None:
        with suppress(OSError):
            client.sock.shutdown(socket.SHUT_RDWR)


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except (OSError, smtplib.SMTPException):
        return


def _trouble(error: Exception) -> str:
    """The sender and the login are the same for all mails: a server that refuses them refuses all mails.

    That is a mistake in the configuration. The mail waits until it is corrected, as it waits while the server is away.
    """
    match error:
        case smtplib.SMTPSenderRefused():
            return "the mail server refused the sender; trying again"
        case smtplib.SMTPAuthenticationError():
            return "the mail server refused the login; trying again"
        case smtplib.SMTPRecipientsRefused() | smtplib.SMTPDataError() | UnicodeError():
            return ""
    return "the mail server failed; trying again"


def _is_permanent(error: Exception) -> bool:
    match error:
        case smtplib.SMTPRecipientsRefused():
            return all(code >= 500 for code, _reason in error.recipients.values())
        case smtplib.SMTPDataError():
            return error.smtp_code >= 500
    # An address that SMTP cannot carry.
    return isinstance(error, UnicodeError)


def _reason(error: Exception) -> str:
    """The reason for an administrator, without the address and any part of the message."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            code, text = next(iter(error.recipients.values()))
            return f"{code} {text.decode(errors='replace')}"
        case smtplib.SMTPResponseException():
            said = error.smtp_error
            return f"{error.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    return f"{type(error).__name__}: {error}"
