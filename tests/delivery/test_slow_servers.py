"""A mail server is slow with one mail: the others do not wait for it, and it is given up in the end."""

import signal
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.core import clock
from accounts.flows.deliver_mail import deliver_mail
from accounts.models import Message
from accounts.models.message import MessageState
from accounts.services import outbox, smtp
from accounts.services.smtp import Courier
from tests.delivery.test_outbox import deliver, put
from tests.delivery.worker_log import assert_ended_well
from tests.processes import finish, manage
from tests.smtp import MailServer

pytestmark = pytest.mark.django_db(transaction=True)


def wait_for(what: Any, *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_slow_mail_does_not_stop_the_next_claim(server: MailServer) -> None:
    server.slow_on = {"slow@example.org": 6}
    put("slow@example.org")
    with manage("deliver_mail", EMAIL_URL=f"smtp://127.0.0.1:{server.port}") as worker:
        wait_for(lambda: "slow@example.org" in server.asked)
        started = time.monotonic()
        addresses = [f"{n}@example.org" for n in range(40)]
        put(*addresses)
        server.wait_for(40)
        took = time.monotonic() - started
        assert server.counts() == dict.fromkeys(addresses, 1)
        # Each of them was found within a second, not after the six seconds of the slow one.
        assert took < 4
        wait_for(lambda: Message.objects.filter(state=MessageState.SENT).count() == 40, seconds=2)
        # Its sending is finished even if the worker is told to stop meanwhile.
        worker.send_signal(signal.SIGTERM)
        assert_ended_well(finish(worker))
    assert server.counts() == dict.fromkeys([*addresses, "slow@example.org"], 1)
    assert set(Message.objects.values_list("state", "attempts")) == {(MessageState.SENT, 1)}


def test_once_ends_when_the_slow_one_is_sent(server: MailServer) -> None:
    server.slow_on = {"slow@example.org": 3}
    put("slow@example.org", "quick@example.org")
    with manage("deliver_mail", "--once", EMAIL_URL=f"smtp://127.0.0.1:{server.port}") as worker:
        assert_ended_well(finish(worker))
    assert server.counts() == {"slow@example.org": 1, "quick@example.org": 1}
    assert set(Message.objects.values_list("state", "attempts")) == {(MessageState.SENT, 1)}


def test_a_mail_is_given_up_after_its_time(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each line of the answer comes within EMAIL_TIMEOUT (1 s here), but the answer never ends.
    server.slow_on, server.drip = {"slow@example.org": 30}, True
    monkeypatch.setattr(smtp, "LONGEST_SECONDS", 2)
    put("slow@example.org", "quick@example.org")
    started = time.monotonic()
    deliver()
    assert 2 <= time.monotonic() - started < 5
    assert server.counts() == {"quick@example.org": 1}
    slow = Message.objects.get(to="slow@example.org")
    assert (slow.state, slow.attempts, slow.text) == (MessageState.QUEUED, 1, "secret")
    assert slow.last_error == "It took longer than 2 seconds."
    assert slow.due_at - clock.now() > timedelta(seconds=25)


def test_a_claim_is_renewed_while_its_mail_is_sent(
    server: MailServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert timedelta(minutes=1) == outbox.CLAIM
    monkeypatch.setattr(outbox, "CLAIM", timedelta(seconds=2.5))
    settings.EMAIL_TIMEOUT = 10
    server.slow_on = {"slow@example.org": 5}
    put("slow@example.org")

    def work() -> None:
        deliver()
        connection.close()

    slow_worker = threading.Thread(target=work)
    slow_worker.start()
    wait_for(lambda: server.asked)
    # Another worker looks for mail all the time and finds none.
    with Courier(1) as courier:
        while slow_worker.is_alive():
            assert deliver_mail(most=8, courier=courier) == 0
            time.sleep(0.1)
    slow_worker.join()
    assert server.asked == ["slow@example.org"]
    message = Message.objects.get()
    assert (message.state, message.attempts) == (MessageState.SENT, 1)
