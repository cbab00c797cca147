"""`manage.py deliver_mail` as a process of its own: prompt, stoppable, killable, and one of many."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from accounts.core import clock
from accounts.models import Message
from accounts.models.message import MessageState
from accounts.services import outbox
from tests.clients.authapi import AuthApi
from tests.delivery.worker_log import assert_ended_well
from tests.processes import finish, manage
from tests.servers import ON_POSTGRES
from tests.smtp import MailServer, mail_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def put(count: int, *, name: str = "user") -> list[str]:
    addresses = [f"{name}{number}@example.org" for number in range(count)]
    for address in addresses:
        outbox.put("verification", to=address, language="en", subject="S", text="T", html="<p>H", lifetime=None)  # type: ignore[arg-type]
    return addresses


def wait_until_settled(*, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while Message.objects.filter(state=MessageState.QUEUED).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_prompt_and_stoppable(api: AuthApi, server: MailServer) -> None:
    with manage("deliver_mail", EMAIL_URL=f"smtp://127.0.0.1:{server.port}") as worker:
        api.register("alice")
        server.wait_for(1)
        api.register("bob")
        server.wait_for(2)
        wait_until_settled()
        message = Message.objects.get(to="bob@example.org")
        assert message.settled_at is not None
        # It reads the outbox every second. The contract allows two.
        assert message.settled_at - message.created_at < timedelta(seconds=2)
        worker.send_signal(signal.SIGTERM)
        assert_ended_well(finish(worker))


def test_once(server: MailServer) -> None:
    addresses = put(20)
    with manage("deliver_mail", "--once", EMAIL_URL=f"smtp://127.0.0.1:{server.port}") as worker:
        assert_ended_well(finish(worker))
    assert server.counts() == dict.fromkeys(addresses, 1)


def test_killed_in_the_middle(server: MailServer) -> None:
    addresses = put(60)
    server.pause = 0.02
    environment = {"EMAIL_URL": f"smtp://127.0.0.1:{server.port}"}
    with manage("deliver_mail", **environment) as worker:
        server.wait_for(15)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    time.sleep(0.3)
    taken_before = server.counts()
    settled_before = set(Message.objects.filter(state=MessageState.SENT).values_list("to", flat=True))
    assert 0 < len(settled_before) < 60
    # The clock is moved to where the dead worker's claim has run out.
    Message.objects.exclude(claimed_until=None).update(claimed_until=clock.now() - timedelta(seconds=1))
    with manage("deliver_mail", "--once", **environment) as worker:
        assert_ended_well(finish(worker))
    assert set(server.counts()) == set(addresses)
    # A mail comes twice only if the kill came between the server's 250 and our commit.
    unsure = set(taken_before) - settled_before
    assert {address for address, count in server.counts().items() if count > 1} == unsure
    assert len(unsure) <= 4


def test_two_workers_deliver_each_once() -> None:
    addresses: list[str] = []
    with (
        mail_server() as first,
        mail_server() as second,
        # Nobody reads a line for each mail meanwhile.
        manage("deliver_mail", EMAIL_URL=f"smtp://127.0.0.1:{first.port}", LOG_LEVEL="WARNING") as one,
        manage("deliver_mail", EMAIL_URL=f"smtp://127.0.0.1:{second.port}", LOG_LEVEL="WARNING") as two,
    ):
        deadline = time.monotonic() + 60
        while not (first.letters and second.letters):
            assert time.monotonic() < deadline
            addresses += put(1, name=f"early{len(addresses)}-")
            time.sleep(0.05)
        # SQLite has one writer at a time, and gets fewer.
        addresses += put(1000 if ON_POSTGRES else 100)
        wait_until_settled(seconds=120)
        for worker in (one, two):
            worker.send_signal(signal.SIGTERM)
            assert_ended_well(finish(worker))
        assert Counter(first.counts()) + Counter(second.counts()) == dict.fromkeys(addresses, 1)
