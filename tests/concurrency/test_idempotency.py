"""One Idempotency-Key at once: the act is done once, and everybody gets its answer."""

from typing import Any

import pytest

from accounts.models import IdempotentRequest, Message, SecurityEvent, Session, User
from tests.clients.authapi import PASSWORD, AuthApi
from tests.concurrency.race import race, rounds

pytestmark = pytest.mark.django_db(transaction=True)


def repeated(api: AuthApi, path: str, body: dict[str, Any] | None = None, **kwargs: Any) -> Any:
    """The one answer of eight requests that were sent at once."""
    headers = {"Idempotency-Key": f"key-{IdempotentRequest.objects.count()}-of-a-client"}
    answers = race(*[lambda: api.call("POST", path, body, headers=headers, **kwargs)] * 8)
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1, [a.content for a in answers]
    return answers[0]


def test_a_registration(api: AuthApi) -> None:
    for number in range(rounds(40)):
        name = f"user{number}"
        body = {"username": name, "email": f"{name}@example.org", "password1": PASSWORD, "password2": PASSWORD}
        answer = repeated(api, "registration/", body)
        assert answer.status_code == 201
        assert api.user(answer.json()["access"]).status_code == 200
        kinds = [table._default_manager.count() for table in (User, Session, Message)]
        assert kinds == [number + 1] * 3


def test_a_login(api: AuthApi, alice: Any) -> None:
    for number in range(rounds(40)):
        assert repeated(api, "login/", {"username": "alice", "password": PASSWORD}).status_code == 200
        assert Session.objects.count() == number + 2


def test_a_change_of_the_password(api: AuthApi, alice: Any) -> None:
    old = PASSWORD
    for number in range(rounds(40)):
        new = f"battery-staple-{number}"
        body = {"old_password": old, "new_password1": new, "new_password2": new}
        answer = repeated(api, "password/change/", body, token=alice["access"])
        assert answer.status_code == 200
        assert SecurityEvent.objects.filter(kind="password_changed").count() == number + 1
        old = new
