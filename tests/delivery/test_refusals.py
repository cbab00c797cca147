"""Refusals of the mail server: mail to a refused recipient is given up; a refused sender or login lets mail wait."""

import logging
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.core import clock
from accounts.models import Message
from accounts.models.message import MessageState
from tests.delivery.test_outbox import deliver, put
from tests.servers import free_port
from tests.smtp import MailServer, use

pytestmark = pytest.mark.django_db


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str, str]]:
    """The warnings. The log tells at a lower level which mails were sent."""
    records = [record for record in caplog.records if record.name == "accounts.flows.deliver_mail"]
    records = [record for record in records if record.levelno > logging.INFO]
    return [(record.levelno, record.getMessage(), record.__dict__["error"]) for record in records]


def waiting() -> set[tuple[str, int, str, str]]:
    return set(Message.objects.values_list("state", "attempts", "last_error", "text"))


def test_a_refused_sender_is_no_fault_of_the_mail(server: MailServer, caplog: pytest.LogCaptureFixture) -> None:
    put("a@example.org", "b@example.org")
    server.refuse_sender = "553 5.7.1 not your sender"
    deliver(1)
    assert waiting() == {(MessageState.QUEUED, 1, "553 5.7.1 not your sender", "secret")}
    message = Message.objects.all()[0]
    assert (message.settled_at, message.claimed_until) == (None, None)
    assert timedelta(seconds=25) < message.due_at - clock.now() <= timedelta(seconds=30)
    said = "the mail server refused the sender; trying again"
    assert logged(caplog) == [(logging.WARNING, said, "553 5.7.1 not your sender")]
    # Somebody corrects the configuration.
    server.refuse_sender = ""
    with time_machine.travel(timezone.now() + timedelta(seconds=31), tick=False):
        deliver(1)
    assert server.counts() == {"a@example.org": 1, "b@example.org": 1}
    assert waiting() == {(MessageState.SENT, 2, "", "")}


def test_a_refused_login_is_no_fault_of_the_mail(
    server: MailServer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "accounts", "wrong-horse-9"
    put("a@example.org", "b@example.org")
    server.refuse_login = True
    deliver(1)
    refusal = "535 5.7.8 Authentication credentials invalid"
    assert waiting() == {(MessageState.QUEUED, 1, refusal, "secret")}
    assert logged(caplog) == [(logging.WARNING, "the mail server refused the login; trying again", refusal)]
    server.refuse_login = False
    with time_machine.travel(timezone.now() + timedelta(seconds=31), tick=False):
        deliver(1)
    assert server.counts() == {"a@example.org": 1, "b@example.org": 1}


def test_a_server_that_is_away_is_logged(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    use(settings, free_port())
    put("a@example.org", "b@example.org")
    deliver(1)
    refusal = "ConnectionRefusedError: [Errno 111] Connection refused"
    assert waiting() == {(MessageState.QUEUED, 1, refusal, "secret")}
    assert logged(caplog) == [(logging.WARNING, "the mail server failed; trying again", refusal)]


def test_a_refused_recipient_is_given_up_at_once(server: MailServer, caplog: pytest.LogCaptureFixture) -> None:
    put("a@example.org")
    server.refuse = "550 no such user"
    deliver(1)
    assert waiting() == {(MessageState.DEAD, 1, "550 no such user", "secret")}
    # The server's text about a recipient may contain the address.
    assert logged(caplog) == []
