"""Rows 33, 36 and 67 of the security list: mailed keys and codes, and failures in the middle of an act."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.core import signing
from django.test import Client

from accounts.core import clock
from accounts.models import LoginCode, Session, User, VerificationCode
from accounts.services import codes, links
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex, word
from tests.clients.fastapi_users import FastAPIUsers
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", [VerificationCode, LoginCode])
def test_row_33_codes_cannot_be_foreseen(kind: Any) -> None:
    made = [codes.issue(kind, "carol@example.org", now=clock.now()) for _ in range(1000)]
    assert {len(code) for code in made} == {6}
    # Among 1,000 of a million codes, 0.5 repeat on average. A digit is at each place 100 times, give or take 9.5.
    assert len(set(made)) > 990
    for place in range(6):
        counts = Counter(code[place] for code in made)
        assert set(counts) == set("0123456789")
        assert all(50 < count < 150 for count in counts.values()), counts


def test_row_33_mailed_links_carry_128_bits_at_least(alice: Any) -> None:
    user = User.objects.with_address().get()
    # HMACs: 32 hexadecimal digits of the reset token, 43 letters of base64 of the others.
    assert len(links.reset_token(user).rpartition("-")[2]) == 32
    for key in (links.verification_key(user), links.notice_key(user, user.email)):
        assert len(signing.b64_decode(key.rpartition(":")[2].encode())) == 32


@pytest.mark.parametrize("door", ["AuthApi", "FastAPI Users", "Durudex"])
def test_row_36_a_reset_lets_nobody_past_a_check(api: AuthApi, letters: Mailbox, settings: Any, door: str) -> None:
    api.register("alice")
    letters.collect()
    settings.EMAIL_VERIFICATION = "mandatory"
    code = Durudex().mailed_code("alice@example.org")
    api.reset("alice@example.org")
    values = link_values(letters.only())
    resets: dict[str, Callable[[str], Any]] = {
        "AuthApi": lambda password: api.confirm_reset(**values, new=password),
        "FastAPI Users": lambda password: FastAPIUsers().reset_password(values["token"], password),
        "Durudex": lambda password: Durudex().forgot_password("alice@example.org", code, password),
    }
    User.objects.update(is_active=False)
    before = User.objects.values().get()
    refused = resets[door]("battery-staple-7")
    assert refused.status_code == 400 or word(refused) == "NOT_FOUND"
    assert User.objects.values().get() == before
    User.objects.update(is_active=True)
    done = resets[door]("battery-staple-7")
    assert done.status_code == 200
    assert b"access" not in done.content
    assert not Session.objects.live(clock.now()).exists()
    # A code proves the mailbox like a verification. The link of a reset is no verification.
    assert (api.login("alice", "battery-staple-7").status_code == 200) is (door == "Durudex")


@pytest.mark.parametrize(
    ("door", "broken"),
    [
        *((door, broken) for door in ("AuthApi", "FastAPI Users") for broken in ("addresses.add", "outbox.put")),
        *((door, "audit.record") for door in ("AuthApi", "FastAPI Users", "Durudex")),
        # A signUp with a code mails nothing.
        ("Durudex", "addresses.add"),
    ],
)
def test_row_67_a_registration_is_whole_or_is_not(monkeypatch: Any, rows: Any, door: str, broken: str) -> None:
    code = Durudex().mailed_code("bob@example.org")
    names = {"username": "bob", "email": "bob@example.org"}
    sign_up = "mutation ($input: SignUpInput!) { signUp(input: $input) { access } }"
    path, body = {
        "AuthApi": ("/api/auth/registration/", names | {"password1": PASSWORD, "password2": PASSWORD}),
        "FastAPI Users": ("/auth/register", {"email": "bob@example.org", "password": PASSWORD}),
        "Durudex": (
            "/graph/query",
            {"query": sign_up, "variables": {"input": names | {"password": PASSWORD, "code": code}}},
        ),
    }[door]

    def register() -> Any:
        client = Client(raise_request_exception=False)
        return client.post(path, data=json.dumps(body), content_type="application/json")

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("secret detail")

    before = rows()
    with monkeypatch.context() as failing:
        failing.setattr(f"accounts.services.{broken}", fail)
        answer = register()
    assert answer.status_code == 500 or word(answer) == "INTERNAL_SERVER_ERROR"
    assert b"secret" not in answer.content
    assert rows() == before
    # The rollback also gives back what was spent, and the same request succeeds.
    answer = register()
    assert answer.status_code in (200, 201)
    assert "errors" not in answer.json()
    assert rows()["User"] == before["User"] + 1
