"""`manage.py demo_data`: a database with made-up users, whose mail is never sent."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db.models import Q

from accounts.core import clock
from accounts.models import Message, SecurityEvent, Session, TotpFactor, User
from tests.clients.authapi import AuthApi
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db(transaction=True)


def run(*args: str) -> str:
    out = StringIO()
    call_command("demo_data", *args, stdout=out)
    return out.getvalue()


def test_users_with_what_is_theirs(letters: Mailbox) -> None:
    said = run("--users", "1200")
    assert "1,200 of 1,200 users" in said
    assert "nobody can log in" in said
    assert User.objects.count() == 1200
    assert not User.objects.exclude(email__endswith="@example.com").exists()
    address = apps.get_model("account", "EmailAddress")
    assert address.objects.filter(primary=True).count() == 1200
    assert 100 < address.objects.filter(verified=False).count() < 400
    now = clock.now()
    assert Session.objects.count() == 2400
    assert 1000 < Session.objects.live(now).count() < 1200
    # About five a user, none before the last thirty days or after now.
    assert 4.5 < SecurityEvent.objects.count() / 1200 < 6
    assert not SecurityEvent.objects.filter(Q(at__gt=now) | Q(at__lt=now - timedelta(days=31))).exists()
    # Evenly over all days, not only at the time of filling.
    assert SecurityEvent.objects.filter(at__gt=now - timedelta(days=1)).count() < 600
    has_app = User.objects.filter(has_second_factor=True)
    assert set(has_app.values_list("pk")) == set(TotpFactor.objects.values_list("pk"))
    assert has_app.exists()
    # Some mails wait, and no worker ever claims one.
    assert set(Message.objects.values_list("state", flat=True)) == {"sent", "dead", "queued"}
    assert not Message.objects.due(now).exists()
    assert letters.collect() == []


def test_a_password_for_all_of_them(api: AuthApi) -> None:
    run("--users", "3", "--password", "correct-horse-9")
    active = User.objects.filter(is_active=True, has_second_factor=False).first()
    assert active is not None
    assert api.login(active.username, "correct-horse-9").status_code == 200


@pytest.mark.parametrize("users", ["0", "-1", "2000001"])
def test_out_of_range(users: str) -> None:
    with pytest.raises(CommandError, match="a number from 1 to 2,000,000 is expected"):
        run("--users", users)
    assert User.objects.count() == 0


def test_it_asks_before_it_writes_among_others(alice: Any, rows: Any) -> None:
    before = rows()
    with pytest.raises(CommandError, match="say --yes"):
        run("--users", "2")
    assert rows() == before
    run("--users", "2", "--yes")
    run("--users", "2", "--yes")
    names = ["alice", "demo0000001", "demo0000002", "demo0000003", "demo0000004"]
    assert list(User.objects.order_by("username").values_list("username", flat=True)) == names
