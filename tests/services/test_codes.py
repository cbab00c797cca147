"""The codes that prove a mailbox: how long, how often and for whom they are good."""

import re
from datetime import timedelta
from typing import Any

import pytest

from accounts.core import clock
from accounts.models import LoginCode, MailedCode, VerificationCode
from accounts.services import codes

pytestmark = pytest.mark.django_db
EMAIL = "carol@example.org"
Kind = type[MailedCode]


@pytest.fixture(params=[VerificationCode, LoginCode])
def kind(request: Any) -> Kind:
    return request.param  # type: ignore[no-any-return]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_is_six_digits_and_not_kept(kind: Kind) -> None:
    code = codes.issue(kind, EMAIL, now=clock.now())
    assert re.fullmatch(r"[0-9]{6}", code)
    row = kind.objects.get()
    assert code not in (row.code_hash, row.email_key)
    assert len(row.code_hash) == 64


def test_is_spent_once(kind: Kind) -> None:
    now = clock.now()
    code = codes.issue(kind, EMAIL, now=now)
    assert codes.spend(kind, "Carol@EXAMPLE.org", code, now=now)
    assert not codes.spend(kind, EMAIL, code, now=now)


def test_lives_ten_minutes(kind: Kind) -> None:
    now = clock.now()
    code = codes.issue(kind, EMAIL, now=now)
    assert not codes.spend(kind, EMAIL, code, now=now + timedelta(minutes=10))
    assert codes.spend(kind, EMAIL, code, now=now + timedelta(minutes=10, seconds=-1))


@pytest.mark.parametrize(("wrong_tries", "still_good"), [(4, True), (5, False)])
def test_dies_after_five_wrong_tries(kind: Kind, wrong_tries: int, still_good: bool) -> None:
    now = clock.now()
    code = codes.issue(kind, EMAIL, now=now)
    for _ in range(wrong_tries):
        assert not codes.spend(kind, EMAIL, wrong(code), now=now)
    assert codes.spend(kind, EMAIL, code, now=now) is still_good


def test_is_replaced_by_a_newer_one(kind: Kind) -> None:
    now = clock.now()
    first, second = codes.issue(kind, EMAIL, now=now), codes.issue(kind, EMAIL, now=now)
    if first != second:
        assert not codes.spend(kind, EMAIL, first, now=now)
    assert codes.spend(kind, EMAIL, second, now=now)


def test_belongs_to_its_address(kind: Kind) -> None:
    now = clock.now()
    code = codes.issue(kind, EMAIL, now=now)
    codes.issue(kind, "dave@example.org", now=now)
    kind.objects.filter(email_key="dave@example.org").update(code_hash=kind.objects.get(email_key=EMAIL).code_hash)
    assert not codes.spend(kind, "dave@example.org", code, now=now)
    assert not codes.spend(kind, "nobody@example.org", code, now=now)


def test_former_secret_keys_are_honoured(kind: Kind, settings: Any) -> None:
    now = clock.now()
    code = codes.issue(kind, EMAIL, now=now)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the-next-key-0123456789-0123456789-0123456789"
    assert codes.spend(kind, EMAIL, code, now=now)


def test_costs_the_same_for_every_address(kind: Kind, django_assert_num_queries: Any) -> None:
    for email in (EMAIL, EMAIL, "dave@example.org"):
        with django_assert_num_queries(1):
            codes.issue(kind, email, now=clock.now())


@pytest.mark.parametrize(("kind", "other"), [(VerificationCode, LoginCode), (LoginCode, VerificationCode)])
def test_is_of_one_kind(kind: Kind, other: Kind) -> None:
    now = clock.now()
    code = codes.issue(kind, EMAIL, now=now)
    assert not codes.spend(other, EMAIL, code, now=now)
    codes.issue(other, EMAIL, now=now)
    other.objects.update(code_hash=kind.objects.get().code_hash)
    assert not codes.spend(other, EMAIL, code, now=now)
    assert codes.spend(kind, EMAIL, code, now=now)


def test_is_bound_to_what_was_said(kind: Kind) -> None:
    now = clock.now()
    code = codes.issue(kind, EMAIL, bound_to="a", now=now)
    assert not codes.spend(kind, EMAIL, code, now=now)
    assert not codes.spend(kind, EMAIL, code, bound_to="b", now=now)
    assert codes.spend(kind, EMAIL, code, bound_to="a", now=now)
