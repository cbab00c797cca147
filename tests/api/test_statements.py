"""How many SQL statements a request costs, and that a stranger's request costs as many as the owner's."""

from typing import Any

import pytest

from accounts.core.conf import conf
from accounts.models import SecurityEvent, User
from tests.clients.authapi import AuthApi
from tests.statements import Statements

pytestmark = pytest.mark.django_db


def test_budgets(api: AuthApi, alice: Any) -> None:
    with Statements() as user:
        assert api.user(alice["access"]).status_code == 200
    with Statements() as verify:
        assert api.verify(alice["access"]).status_code == 200
    with Statements() as refresh:
        assert api.refresh(alice["refresh"]).status_code == 200
    with Statements() as login:
        assert api.login("alice").status_code == 200
    with Statements() as registration:
        assert api.register("bob").status_code == 201
    counts = {"user": len(user), "verify": len(verify), "refresh": len(refresh), "login": len(login)}
    # Without Redis, a login reads its counts in the database, counts its try, and gives it back.
    assert counts == {"user": 1, "verify": 1, "refresh": 2, "login": 4 if conf.redis_url else 8}
    assert len(registration) == (6 if conf.redis_url else 7), registration.sql


def test_visit_costs_refresh_one_more(api: AuthApi, alice: Any) -> None:
    import time_machine
    from django.utils import timezone

    with time_machine.travel(timezone.now() + timezone.timedelta(hours=2), tick=False):
        assert api.verify(alice["refresh"]).status_code == 200
        with Statements() as refresh:
            assert api.refresh(alice["refresh"]).status_code == 200
    assert len(refresh) == 3


def test_bad_tokens_cost_no_statement(api: AuthApi, alice: Any) -> None:
    forged = alice["access"][:-4] + "AAAA"
    with Statements() as statements:
        assert api.user(forged).status_code == 401
        assert api.refresh("x.y.z").status_code == 401
    assert len(statements) == 0, statements.sql


def test_a_code_to_log_in_costs_the_same_for_every_address(
    api: AuthApi, verified_alice: Any, rows: Any, settings: Any
) -> None:
    settings.LIMITS = {**settings.LIMITS, "MAILS_PER_HOUR": 100}
    api.register("bob")

    def cost(email: str, **state: bool) -> tuple[int, dict[str, int], bytes]:
        User.objects.filter(username="alice").update(**{"is_staff": False, "is_active": True, **state})
        before = rows()
        with Statements() as statements:
            answer = api.ask_for_code(email)
        assert answer.status_code == 200
        return len(statements), {name: count - before[name] for name, count in rows().items()}, answer.content

    known = cost("alice@example.org")
    assert known == cost("nobody@example.org") == cost("bob@example.org")
    assert known == cost("alice@example.org", is_staff=True) == cost("alice@example.org", is_superuser=True)
    assert known == cost("alice@example.org", is_active=False)
    assert known[1] == {"User": 0, "EmailAddress": 0, "Session": 0, "SigningKey": 0, "SecurityEvent": 1, "Message": 1}


@pytest.mark.parametrize("path", ["password/reset/", "registration/resend-email/"])
def test_stranger_costs_what_the_owner_costs(api: AuthApi, alice: Any, rows: Any, path: str) -> None:
    def cost(email: str) -> tuple[int, dict[str, int]]:
        before = rows()
        with Statements() as statements:
            assert api.call("POST", path, {"email": email}).status_code == 200
        return len(statements), {name: count - before[name] for name, count in rows().items()}

    known, unknown = cost("alice@example.org"), cost("nobody@example.org")
    assert known == unknown
    assert known[1] == {
        "User": 0,
        "EmailAddress": 0,
        "Session": 0,
        "SigningKey": 0,
        "SecurityEvent": 1,
        "Message": 1,
    }


def test_login_costs_the_same_for_a_stranger(api: AuthApi, alice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from accounts.services.passwords import Argon2idHasher

    hashed = []
    plain = Argon2idHasher.encode, Argon2idHasher.verify
    monkeypatch.setattr(Argon2idHasher, "encode", lambda *args: hashed.append(1) or plain[0](*args))
    monkeypatch.setattr(Argon2idHasher, "verify", lambda *args: hashed.append(1) or plain[1](*args))

    def cost(name: str) -> tuple[int, int, int]:
        hashed.clear()
        events = SecurityEvent.objects.count()
        with Statements() as statements:
            assert api.login(name, "wrong-horse-9").status_code == 400
        return len(hashed), len(statements), SecurityEvent.objects.count() - events

    # At a wrong password a worker reads once a minute which hashes of other systems are stored.
    cost("alice")
    assert cost("alice") == cost("nobody") == cost("nobody@example.org") == (1, 2 if conf.redis_url else 4, 1)
