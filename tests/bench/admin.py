"""The time and the number of statements of each page of the admin, with the users of `manage.py demo_data`."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from os import environ
from typing import Any

ROUNDS = 7
LIMIT_MS = 100
# Who are locked: more than any day has seen that is no attack.
LOCKED = 1000


def bench_admin(url: str, users: int, manage: Callable[..., None]) -> None:
    """users: how many there are; each has two sessions and five events."""
    manage("config.settings", "demo_data", "--yes", "--users", str(users), DATABASE_URL=url)
    subprocess.run(
        [sys.executable, "-m", "tests.bench.admin"],
        env={**environ, "DATABASE_URL": url, "LOG_LEVEL": "WARNING"},
        check=True,
        timeout=3600,
    )


def measure() -> None:
    """Requests the pages in this process, in turns, so that other work on the machine affects all of them."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from accounts.core import clock
    from accounts.core.context import ClientContext, Dialect
    from accounts.flows.count_by_hour import count_by_hour, measure_users
    from accounts.flows.save_view import save_view
    from accounts.models import SecurityEvent, Session, User
    from accounts.services import saved_views
    from tests.administrators import add_root
    from tests.clients.authapi import PASSWORD

    add_root()
    while count_by_hour(most_hours=24):
        pass
    measure_users()
    some = User.objects.filter(is_superuser=False).values("pk")[:LOCKED]
    User.objects.filter(pk__in=some).update(locked_until=clock.now() + timedelta(hours=1))
    root = ClientContext(ip="", user_agent="", language="en", request_id="", dialect=Dialect.ADMIN).by_administrator(
        User.objects.get(username="root").pk
    )
    for number in range(saved_views.MOST):
        save_view(page="accounts.user", name=f"view {number}", query=f"q={number}*&verified=0", context=root)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    session = Session.objects.exclude(ip="").latest("started_at")
    user = User.objects.get(pk=session.user_id)
    asked = {
        "overview": "",
        "users": "accounts/user/",
        "sessions": "accounts/session/",
        "events": "accounts/securityevent/",
        "mails": "accounts/message/",
        "a user's page": f"accounts/user/{user.pk}/change/",
        "a session's page": f"accounts/session/{session.pk}/change/",
        "users by address": f"accounts/user/?q={user.email}",
        "users by id": f"accounts/user/?q={user.pk}",
        "users by session": f"accounts/user/?q={session.pk}",
        "users by request": f"accounts/user/?q={'0' * 32}",
        "users by beginning": "accounts/user/?q=demo00001*",
        "users by IP address": f"accounts/user/?q={session.ip}",
        "events by user": f"accounts/securityevent/?q={user.username}",
        "events by IP address": f"accounts/securityevent/?q={session.ip}",
        "users not verified": "accounts/user/?verified=0",
        "users who are not active": "accounts/user/?is_active__exact=0",
        "users who are locked": "accounts/user/?locked=1",
    }
    client = Client(SERVER_NAME="localhost")
    assert client.post("/admin/login/", {"username": "root", "password": PASSWORD}).status_code == 302
    taken: dict[str, list[float]] = {name: [] for name in asked}
    statements: dict[str, int] = {}
    for _round in range(ROUNDS):
        for name, path in asked.items():
            with CaptureQueriesContext(connection) as captured:
                began = time.perf_counter()
                answer: Any = client.get(f"/admin/{path}")
                taken[name].append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, name
            statements[name] = len(captured)
    print(f"{User.objects.count():,} users, {SecurityEvent.objects.count():,} events; limit {LIMIT_MS} ms")
    for name in asked:
        print(f"admin, {name:26} {statistics.median(taken[name]):6.1f} ms  {statements[name]:3} statements")


if __name__ == "__main__":
    import django

    environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    measure()
