"""How a message leaves: Django's mail backend of EMAIL_URL, with one open connection for each sending thread."""

import smtplib
import threading

from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from accounts.models import Message

_thread = threading.local()


class DeliveryError(Exception):
    """The message was not taken; permanent: no later attempt would be either."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.permanent = permanent


def send(message: Message) -> None:
    """Hands one message to the server, waiting at most EMAIL_TIMEOUT for each of its answers. Raises DeliveryError."""
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=message.text,
        to=[message.to],
        headers={"Message-ID": message.message_id, "Auto-Submitted": "auto-generated"},
        connection=_connection(),
    )
    mail.attach_alternative(message.html, "text/html")
    try:
        mail.send()
    except Exception as error:
        # Whatever went wrong, the connection may be in the middle of a dialogue: the next message opens a new one.
        hang_up()
        raise DeliveryError(_reason(error), permanent=_is_permanent(error)) from error


def hang_up() -> None:
    """Closes this thread's connection."""
    connection = getattr(_thread, "connection", None)
    _thread.connection = None
    if connection is not None:
        try:
            connection.close()
        except (OSError, smtplib.SMTPException):
            return


def _connection() -> BaseEmailBackend:
    connection: BaseEmailBackend | None = getattr(_thread, "connection", None)
    if connection is None:
        connection = get_connection()
        try:
            connection.open()
        except Exception as error:
            raise DeliveryError(_reason(error), permanent=False) from error
        _thread.connection = connection
    return connection


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
