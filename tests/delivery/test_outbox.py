"""Mail is never lost and never delays a request, with a real SMTP server."""

import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, transaction
from django.utils import timezone

from accounts.core import clock
from accounts.flows.deliver_mail import deliver_mail
from accounts.models import Message, User
from accounts.models.message import MessageState
from accounts.services import outbox
from accounts.services.smtp import Courier
from tests.clients.authapi import AuthApi
from tests.smtp import MailServer, silent_server, use

pytestmark = pytest.mark.django_db


def deliver(threads: int = 4) -> None:
    """Delivers like a worker until nothing is due."""
    with Courier(threads) as courier:
        while deliver_mail(most=8, courier=courier):
            pass


def put(*addresses: str, lifetime: timedelta | None = None) -> None:
    for address in addresses:
        outbox.put(
            "verification", to=address, language="en", subject="S", text="secret", html="<p>secret", lifetime=lifetime
        )  # type: ignore[arg-type]


def test_what_arrives(api: AuthApi, alice: Any, server: MailServer) -> None:
    message = Message.objects.get()
    deliver()
    ((address, letter),) = server.letters
    assert address == "alice@example.org"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"] == message.message_id
    assert letter["From"] == "accounts@localhost"
    text, html = letter.get_payload()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    key = text.get_payload(decode=True).decode().split("key=")[1].split()[0]
    assert f"key={key}" in html.get_payload(decode=True).decode()
    assert api.verify_email(key).status_code == 200


def test_blanked_once_sent(alice: Any, server: MailServer) -> None:
    deliver()
    message = Message.objects.get()
    assert (message.state, message.subject, message.text, message.html) == (MessageState.SENT, "", "", "")
    assert message.to == "alice@example.org"


def test_passing_refusal_is_tried_again(alice: Any, server: MailServer) -> None:
    server.refuse = "451 try later"
    deliver()
    message = Message.objects.get()
    assert (message.state, message.attempts, message.last_error) == (MessageState.QUEUED, 1, "451 try later")
    assert timedelta(seconds=25) < message.due_at - clock.now() <= timedelta(seconds=30)
    server.refuse = ""
    deliver()
    assert server.letters == []
    with time_machine.travel(timezone.now() + timedelta(seconds=31), tick=False):
        deliver()
    ((_, letter),) = server.letters
    assert letter["Message-ID"] == message.message_id
    assert Message.objects.get().attempts == 2


def test_pauses_grow_and_end(server: MailServer) -> None:
    put("a@example.org")
    server.refuse = "451 try later"
    pauses = []
    with time_machine.travel(timezone.now(), tick=False) as hand:
        while True:
            deliver(1)
            message = Message.objects.get()
            if message.state != MessageState.QUEUED:
                break
            pauses.append((message.due_at - clock.now()).total_seconds())
            hand.move_to(message.due_at)
        waited = clock.now() - message.created_at
    assert pauses[:6] == [30, 60, 120, 240, 480, 960]
    assert max(pauses) == 4 * 3600
    assert timedelta(days=1) < waited <= timedelta(days=2)
    assert (message.state, message.text) == (MessageState.DEAD, "secret")


def test_permanent_refusal_is_a_dead_letter(server: MailServer) -> None:
    put("bad@example.org", "good@example.org")
    server.refuse, server.refused = "550 no such user", {"bad@example.org"}
    deliver()
    bad = Message.objects.get(to="bad@example.org")
    assert (bad.state, bad.attempts, bad.last_error) == (MessageState.DEAD, 1, "550 no such user")
    assert server.counts() == {"good@example.org": 1}
    server.refuse = ""
    assert outbox.retry(Message.objects.all(), now=clock.now()) == 1
    deliver()
    assert server.counts() == {"good@example.org": 1, "bad@example.org": 1}


def test_server_that_never_speaks(settings: Any) -> None:
    put(*(f"{n}@example.org" for n in range(4)))
    with silent_server() as port:
        use(settings, port)
        started = time.monotonic()
        deliver()
        # Four threads wait for EMAIL_TIMEOUT (1 s here) side by side; one after the other would be 4 s.
        assert time.monotonic() - started < 3.5
    assert set(Message.objects.values_list("state", "attempts")) == {(MessageState.QUEUED, 1)}


def test_no_server_at_all(settings: Any) -> None:
    from tests.servers import free_port

    use(settings, free_port())
    put("a@example.org")
    deliver()
    message = Message.objects.get()
    assert (message.state, message.last_error) == (
        MessageState.QUEUED,
        "ConnectionRefusedError: [Errno 111] Connection refused",
    )


def test_one_that_hangs_does_not_hold_up_the_others(server: MailServer) -> None:
    addresses = [f"{n}@example.org" for n in range(8)]
    server.hang_on = {addresses[0]}
    put(*addresses)
    deliver()
    assert server.counts() == dict.fromkeys(addresses[1:], 1)
    hung = Message.objects.get(to=addresses[0])
    assert (hung.state, hung.attempts) == (MessageState.QUEUED, 1)


def test_dropped_connection(server: MailServer) -> None:
    put("dropped@example.org", "other@example.org")
    server.drop_on = {"dropped@example.org"}
    deliver(1)
    assert server.counts() == {"other@example.org": 1}
    assert Message.objects.get(to="dropped@example.org").state == MessageState.QUEUED


def test_expired_is_not_sent(server: MailServer) -> None:
    put("late@example.org", lifetime=timedelta(minutes=10))
    put("notice@example.org")
    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1), tick=False):
        deliver()
    assert server.counts() == {"notice@example.org": 1}
    late = Message.objects.get(to="late@example.org")
    assert (late.state, late.text, late.html) == (MessageState.EXPIRED, "", "")


def test_mail_to_an_unknown_address_is_discarded(api: AuthApi, server: MailServer) -> None:
    api.reset("nobody@example.org")
    deliver()
    assert server.letters == []
    message = Message.objects.get()
    assert (message.state, message.text, message.to) == (MessageState.DISCARDED, "", "")


def test_claim_of_a_dead_worker_runs_out(server: MailServer) -> None:
    put("a@example.org")
    with transaction.atomic():
        assert len(outbox.claim(most=8, now=clock.now())) == 1
    deliver()
    assert server.letters == []
    with time_machine.travel(timezone.now() + outbox.CLAIM + timedelta(seconds=1), tick=False):
        deliver()
    assert server.counts() == {"a@example.org": 1}


def test_failed_settling_is_made_up_for_and_sends_nothing_again(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = [f"{n}@example.org" for n in range(12)]
    put(*addresses)
    server.refuse, server.refused = "451 try later", {addresses[3]}
    settle_sent, failing = outbox.settle_sent, {addresses[4]: "gone"}

    def settle_or_fail(message: Message, *, now: Any) -> None:
        if message.to in failing:
            raise OperationalError(failing[message.to])
        settle_sent(message, now=now)

    monkeypatch.setattr(outbox, "settle_sent", settle_or_fail)
    sent = Message.objects.filter(state=MessageState.SENT)
    with Courier(1) as courier:
        with pytest.raises(OperationalError, match=r"^gone$"):
            deliver_mail(most=8, courier=courier)
        # The outcomes of the other mails are still written, so they are not sent again if the worker dies now.
        assert set(sent.values_list("to", flat=True)) == set(addresses[:8]) - set(addresses[3:5])
        assert [message.to for message in courier.unsettled.values()] == [addresses[4]]
        # While it cannot settle its mails, it claims no more.
        failing[addresses[4]] = "still gone"
        with pytest.raises(OperationalError, match=r"^still gone$"):
            deliver_mail(most=8, courier=courier)
        failing.clear()
        assert Message.objects.filter(attempts=0).count() == 4
        assert deliver_mail(most=8, courier=courier) == 4
        assert courier.unsettled == {}
        assert deliver_mail(most=8, courier=courier) == 0
    assert server.counts() == {address: 1 for address in addresses if address != addresses[3]}
    assert sent.count() == 11
    refused = Message.objects.get(to=addresses[3])
    assert (refused.state, refused.attempts, refused.claimed_until) == (MessageState.QUEUED, 1, None)


def test_any_text_of_an_error_can_be_kept() -> None:
    put("a@example.org")
    with transaction.atomic():
        (message,) = outbox.claim(most=8, now=clock.now())
    outbox.settle_refused(message, "550 half a \ud800 and a \0", permanent=True, now=clock.now())
    kept = Message.objects.get()
    assert (kept.state, kept.last_error) == (MessageState.DEAD, "550 half a ? and a ")


def test_late_refusal_leaves_the_claim_of_another_worker_alone() -> None:
    put("a@example.org")
    with transaction.atomic():
        (message,) = outbox.claim(most=8, now=clock.now())
    later = clock.now() + outbox.CLAIM + timedelta(seconds=1)
    with transaction.atomic():
        assert len(outbox.claim(most=8, now=later)) == 1
    outbox.settle_refused(message, "451 try later", permanent=False, now=later)
    taken = Message.objects.get()
    assert (taken.claimed_until, taken.last_error) == (later + outbox.CLAIM, "")
    # A sent mail stays sent, even if another worker has claimed it since.
    outbox.settle_sent(message, now=later)
    assert Message.objects.get().state == MessageState.SENT


def test_refusal_with_a_character_that_no_database_takes(server: MailServer) -> None:
    put("a@example.org")
    server.refuse = "550 no\0such user"
    deliver()
    message = Message.objects.get()
    assert (message.state, message.last_error) == (MessageState.DEAD, "550 nosuch user")


def test_registrations_while_the_server_refuses(api: AuthApi, server: MailServer, settings: Any) -> None:
    settings.RATE_LIMITS = "off"
    server.refuse = "451 try later"
    for number in range(200):
        assert api.register(f"user{number}").status_code == 201
        if number % 50 == 0:
            deliver()
    deliver()
    assert User.objects.count() == 200
    assert Message.objects.filter(state=MessageState.QUEUED).count() == 200
    server.refuse = ""
    with time_machine.travel(timezone.now() + timedelta(minutes=5), tick=False):
        deliver()
    assert server.counts() == {f"user{number}@example.org": 1 for number in range(200)}


@pytest.mark.parametrize("refusal", ["", "451 try later", "550 no such user"])
def test_server_is_never_in_the_way(api: AuthApi, alice: Any, server: MailServer, refusal: str) -> None:
    server.refuse = refusal
    known, unknown = api.reset("alice@example.org"), api.reset("nobody@example.org")
    assert (known.status_code, known.content) == (200, unknown.content)
    assert server.letters == []


def test_language_of_the_request(server: MailServer) -> None:
    russian = AuthApi(**{"Accept-Language": "ru"})
    token = russian.register("alice").json()["access"]
    assert User.objects.get().language == "ru"
    english = AuthApi(**{"Accept-Language": "en"})
    english.change_password(token, "correct-horse-9", "battery-staple-7")
    deliver()
    subjects = [str(letter["Subject"]) for _, letter in server.letters]
    from email.header import decode_header, make_header

    decoded = {str(make_header(decode_header(subject))) for subject in subjects}
    assert decoded == {"Подтвердите адрес e-mail", "Ваш пароль изменён"}
