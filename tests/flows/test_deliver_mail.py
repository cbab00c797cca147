"""Delivering mail: what is sent, thrown away, tried again or given up."""

import smtplib
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from accounts.core import clock
from accounts.flows.deliver_mail import deliver_mail
from accounts.flows.request_password_reset import request_password_reset
from accounts.models import Message
from accounts.services.smtp import Courier
from tests.flows.context import ADDRESS, client, recorded, signed_up

pytestmark = pytest.mark.django_db


def deliver(most: int = 100) -> int:
    with Courier(1) as courier:
        taken = deliver_mail(most=most, courier=courier)
        assert courier.unsettled == {}
    return taken


def asked(*addresses: str) -> None:
    """The user alice, and a reset mail for each of these addresses; no events."""
    signed_up()
    for address in addresses:
        request_password_reset(email=address, context=client())


def refuse(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """From now on the mail server refuses every message with `code`."""

    def send(self: Any, messages: Any) -> int:
        raise smtplib.SMTPDataError(code, b"not now")

    monkeypatch.setattr(EmailBackend, "send_messages", send)


def test_what_is_due_is_sent_up_to_so_many_and_its_text_is_gone() -> None:
    asked(ADDRESS, ADDRESS)
    events = recorded()
    assert [deliver(most=1), deliver(most=5), deliver()] == [1, 1, 0]
    assert [(letter.to, letter.subject) for letter in mail.outbox] == [([ADDRESS], "Reset your password")] * 2
    columns = ("state", "attempts", "subject", "text", "html", "last_error")
    assert list(Message.objects.values_list(*columns)) == [("sent", 1, "", "", "", "")] * 2
    assert recorded() == events


def test_mail_to_nobody_or_past_its_time_is_discarded() -> None:
    asked("nobody@example.org")
    assert deliver() == 1
    request_password_reset(email=ADDRESS, context=client())
    with time_machine.travel(clock.now() + timedelta(hours=1, seconds=1), tick=False):
        assert deliver() == 1
    assert list(Message.objects.order_by("id").values_list("state", "text")) == [("discarded", ""), ("expired", "")]
    assert mail.outbox == []


def test_a_refusal_that_may_pass_is_tried_again_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    asked(ADDRESS)
    with monkeypatch.context() as patched, time_machine.travel(clock.now(), tick=False):
        refuse(patched, 451)
        assert [deliver(), deliver()] == [1, 0]
        message, now = Message.objects.get(), clock.now()
    assert (message.state, message.attempts, message.last_error) == ("queued", 1, "451 not now")
    assert (message.due_at, message.claimed_until) == (now + timedelta(seconds=30), None)
    with time_machine.travel(now + timedelta(seconds=30), tick=False):
        assert deliver() == 1
    message.refresh_from_db()
    assert (message.state, message.attempts, len(mail.outbox)) == ("sent", 2, 1)


def test_a_refusal_for_good_makes_a_dead_letter_that_keeps_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    asked(ADDRESS)
    text = Message.objects.get().text
    refuse(monkeypatch, 550)
    assert [deliver(), deliver()] == [1, 0]
    message = Message.objects.get()
    assert (message.state, message.last_error, message.text) == ("dead", "550 not now", text)
    assert message.settled_at is not None
