"""Mail to an address beyond ASCII is sent with SMTPUTF8, or becomes a dead letter that says why."""

from email import message_from_bytes, policy
from typing import Any

import pytest

from accounts.core import clock
from accounts.models import Message
from accounts.models.message import MessageState
from accounts.services import outbox
from tests.clients.authapi import AuthApi
from tests.delivery.test_outbox import deliver, put
from tests.smtp import mail_server, use

pytestmark = pytest.mark.django_db


def test_goes_by_smtputf8(settings: Any) -> None:
    russian = AuthApi(**{"Accept-Language": "ru"})
    assert russian.register("joerg", email="Jörg@bücher.example").status_code == 201
    message = Message.objects.get()
    with mail_server() as server:
        use(settings, server.port)
        deliver(1)
    ((address, _letter),) = server.letters
    assert address == "Jörg@xn--bcher-kva.example"
    ((options, content),) = server.contents
    assert {"SMTPUTF8", "BODY=8BITMIME"} <= set(options)
    assert "To: Jörg@xn--bcher-kva.example\r\n".encode() in content
    letter = message_from_bytes(content, policy=policy.SMTPUTF8)
    assert {name: letter[name] for name in ("From", "To", "Subject", "Message-ID", "Auto-Submitted")} == {
        "From": "accounts@localhost",
        "To": "Jörg@xn--bcher-kva.example",
        "Subject": "Подтвердите адрес e-mail",
        "Message-ID": message.message_id,
        "Auto-Submitted": "auto-generated",
    }
    assert letter["Date"].datetime is not None
    text, html = letter.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == message.text
    assert html.get_content().replace("\r\n", "\n").strip() == message.html.strip()
    message.refresh_from_db()
    assert (message.state, message.text, message.last_error) == (MessageState.SENT, "", "")


def test_others_go_as_ever(settings: Any) -> None:
    put("alice@bücher.example")
    with mail_server() as server:
        use(settings, server.port)
        deliver(1)
    assert server.counts() == {"alice@xn--bcher-kva.example": 1}
    ((options, _content),) = server.contents
    assert "SMTPUTF8" not in options


def test_a_server_without_smtputf8(settings: Any) -> None:
    put("jörg@example.com", "alice@bücher.example")
    with mail_server(utf8=False) as server:
        use(settings, server.port)
        deliver(1)
        assert server.counts() == {"alice@xn--bcher-kva.example": 1}
        assert server.asked == ["alice@xn--bcher-kva.example"]
    dead = Message.objects.get(to="jörg@example.com")
    assert (dead.state, dead.attempts, dead.text) == (MessageState.DEAD, 1, "secret")
    reason = "The mail server does not offer SMTPUTF8, without which no mail can be sent to this address."
    assert dead.last_error == reason
    # Another server may; an administrator tries again.
    assert outbox.retry([dead.pk], now=clock.now()) == 1
    with mail_server() as server:
        use(settings, server.port)
        deliver(1)
        assert server.counts() == {"jörg@example.com": 1}
