"""How messages leave: Django's mail backend of EMAIL_URL, over a few connections side by side."""

import smtplib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from accounts.models import Message
from accounts.models.user import deliverable


class DeliveryError(Exception):
    """The message was not taken; permanent: no later attempt would be either."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.permanent = permanent


class Courier:
    """Speaks to the mail server in threads of its own, so that one message that hangs does not hold up the others.

    at_once: how many messages are under way at the same time; each has a connection, which the next one uses again.
    unsettled: what it was given to send and what became of it, until the caller has settled it in the outbox and takes
    it out. Each future raises DeliveryError if the message was not taken.
    """

    def __init__(self, at_once: int) -> None:
        self.unsettled: dict[Future[None], Message] = {}
        self._pool = ThreadPoolExecutor(at_once)
        self._idle: deque[BaseEmailBackend] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown()
        self.hang_up()

    def send(self, message: Message) -> None:
        """Begins to send. The server has EMAIL_TIMEOUT for each of its answers."""
        self.unsettled[self._pool.submit(self._send, message)] = message

    def hang_up(self) -> None:
        """Closes the idle connections: a server that waits long would hang up itself, in the way of the next mail."""
        while self._idle:
            _close(self._idle.pop())

    def _send(self, message: Message) -> None:
        connection = None
        try:
            connection = self._connection()
            mail = EmailMultiAlternatives(
                subject=message.subject,
                body=message.text,
                to=[deliverable(message.to)],
                headers={"Message-ID": message.message_id, "Auto-Submitted": "auto-generated"},
                connection=connection,
            )
            mail.attach_alternative(message.html, "text/html")
            mail.send()
        except Exception as error:
            # Whatever went wrong, the connection may be in the middle of a dialogue: the next message opens a new one.
            if connection is not None:
                _close(connection)
            raise DeliveryError(_reason(error), permanent=_is_permanent(error)) from error
        self._idle.append(connection)

    def _connection(self) -> BaseEmailBackend:
        try:
            return self._idle.pop()
        except IndexError:
            connection: BaseEmailBackend = get_connection()
            connection.open()
            return connection


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except (OSError, smtplib.SMTPException):
        return


def _is_permanent(error: Exception) -> bool:
    match error:
        case smtplib.SMTPRecipientsRefused():
            return all(code >= 500 for code, _reason in error.recipients.values())
        case smtplib.SMTPSenderRefused() | smtplib.SMTPDataError():
            return error.smtp_code >= 500
        case UnicodeError():
            # An address that SMTP cannot carry.
            return True
    return False


def _reason(error: Exception) -> str:
    """What an administrator needs to know, without the address or anything of the message."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            code, text = next(iter(error.recipients.values()))
            return f"{code} {text.decode(errors='replace')}"
        case smtplib.SMTPResponseException():
            said = error.smtp_error
            return f"{error.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    return f"{type(error).__name__}: {error}"
