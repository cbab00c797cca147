"""The codes that prove a mailbox: how long, how often and for whom they are good."""

import re
from datetime import timedelta
from typing import Any

import pytest

from accounts.checks import rate_limits_are_on
from accounts.core import clock
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import VerificationCode
from accounts.services import codes

pytestmark = pytest.mark.django_db
EMAIL = "carol@example.org"


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_is_six_digits_and_not_kept() -> None:
    code = codes.issue(EMAIL, now=clock.now())
    assert re.fullmatch(r"[0-9]{6}", code)
    row = VerificationCode.objects.get()
    assert code not in (row.code_hash, row.email_key)
    assert len(row.code_hash) == 64


def test_is_spent_once() -> None:
    now = clock.now()
    code = codes.issue(EMAIL, now=now)
    assert codes.spend("Carol@EXAMPLE.org", code, now=now)
    assert not codes.spend(EMAIL, code, now=now)


def test_lives_ten_minutes() -> None:
    now = clock.now()
    code = codes.issue(EMAIL, now=now)
    assert not codes.spend(EMAIL, code, now=now + timedelta(minutes=10))
    assert codes.spend(EMAIL, code, now=now + timedelta(minutes=10, seconds=-1))


@pytest.mark.parametrize(("wrong_tries", "still_good"), [(4, True), (5, False)])
def test_dies_after_five_wrong_tries(wrong_tries: int, still_good: bool) -> None:
    now = clock.now()
    code = codes.issue(EMAIL, now=now)
    for _ in range(wrong_tries):
        assert not codes.spend(EMAIL, wrong(code), now=now)
    assert codes.spend(EMAIL, code, now=now) is still_good


def test_is_replaced_by_a_newer_one() -> None:
    now = clock.now()
    first, second = codes.issue(EMAIL, now=now), codes.issue(EMAIL, now=now)
    if first != second:
        assert not codes.spend(EMAIL, first, now=now)
    assert codes.spend(EMAIL, second, now=now)


def test_belongs_to_its_address() -> None:
    now = clock.now()
    code = codes.issue(EMAIL, now=now)
    codes.issue("dave@example.org", now=now)
    VerificationCode.objects.filter(email_key="dave@example.org").update(
        code_hash=VerificationCode.objects.get(email_key=EMAIL).code_hash
    )
    assert not codes.spend("dave@example.org", code, now=now)
    assert not codes.spend("nobody@example.org", code, now=now)


def test_no_more_than_five_an_hour() -> None:
    now = clock.now()
    for minute in range(5):
        last = codes.issue(EMAIL, now=now + timedelta(minutes=minute))
    with pytest.raises(AccountError) as refusal:
        codes.issue(EMAIL, now=now + timedelta(minutes=5))
    assert (refusal.value.code, refusal.value.retry_after) == (ErrorCode.RATE_LIMITED, 55 * 60)
    codes.issue("dave@example.org", now=now + timedelta(minutes=5))
    assert codes.spend(EMAIL, last, now=now + timedelta(minutes=6))
    for _ in range(5):
        codes.issue(EMAIL, now=now + timedelta(hours=1))
    with pytest.raises(AccountError):
        codes.issue(EMAIL, now=now + timedelta(hours=1))


def test_limit_can_be_switched_off(settings: Any) -> None:
    settings.RATE_LIMITS = "off"
    for _ in range(10):
        codes.issue(EMAIL, now=clock.now())
    assert [warning.id for warning in rate_limits_are_on()] == ["accounts.W003"]


def test_former_secret_keys_are_honoured(settings: Any) -> None:
    now = clock.now()
    code = codes.issue(EMAIL, now=now)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the-next-key-0123456789-0123456789-0123456789"
    assert codes.spend(EMAIL, code, now=now)


def test_costs_the_same_for_every_address(django_assert_num_queries: Any) -> None:
    for email in (EMAIL, EMAIL, "dave@example.org"):
        with django_assert_num_queries(2):
            codes.issue(email, now=clock.now())
