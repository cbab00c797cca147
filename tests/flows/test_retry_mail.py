"""Queuing dead letters again."""

from datetime import timedelta

import pytest
import time_machine

from accounts.core import clock
from accounts.flows.request_password_reset import request_password_reset
from accounts.flows.retry_mail import retry_mail
from accounts.models import Message
from tests.flows.context import ADDRESS, client, recorded, signed_up
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db


def dead_letter() -> Message:
    request_password_reset(email=ADDRESS, context=client())
    message = Message.objects.latest("id")
    dead = {"state": "dead", "attempts": 9, "last_error": "550 no such user", "settled_at": clock.now()}
    Message.objects.filter(pk=message.pk).update(**dead)
    return message


def test_a_dead_letter_is_as_if_it_were_new(letters: Mailbox) -> None:
    signed_up()
    message, events = dead_letter(), recorded()
    with time_machine.travel(clock.now() + timedelta(minutes=5), tick=False):
        assert retry_mail(message_ids=[message.pk]) == 1
        message.refresh_from_db()
        assert (message.created_at, message.due_at) == (clock.now(), clock.now())
        assert (message.state, message.attempts, message.last_error) == ("queued", 0, "")
        assert message.settled_at is None
        assert letters.only().to == [ADDRESS]
    assert recorded() == events


def test_what_is_not_dead_or_not_named_stays_as_it_is() -> None:
    signed_up()
    message = dead_letter()
    dead_letter()
    Message.objects.filter(pk=message.pk).update(state="sent")
    before = list(Message.objects.order_by("id").values())
    assert retry_mail(message_ids=[message.pk, message.pk + 1000]) == 0
    assert retry_mail(message_ids=[]) == 0
    assert list(Message.objects.order_by("id").values()) == before
