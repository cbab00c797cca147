"""Verifying an address by the mailed key."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts.core import clock
from accounts.core.errors import ErrorCode
from accounts.flows.verify_email import verify_email
from accounts.models import User
from accounts.services import links
from tests.flows.context import client, event, mailed, recorded, refusal, signed_up

pytestmark = pytest.mark.django_db


def is_verified() -> bool:
    return User.objects.with_address().get().email_verified


def test_the_address_is_verified() -> None:
    user = signed_up()
    answer = verify_email(key=links.verification_key(user), context=client())
    assert (answer.pk, answer.email_verified, is_verified()) == (user.pk, True, True)
    assert (recorded(), mailed()) == ([event("email_verified", "user")], [])


def test_a_key_works_once(rows: Any) -> None:
    key = links.verification_key(signed_up())
    verify_email(key=key, context=client())
    before = rows()
    assert refusal(verify_email, key=key).code == ErrorCode.EMAIL_ALREADY_VERIFIED
    assert rows() == before


def test_a_key_that_is_wrong_or_a_day_old(rows: Any) -> None:
    key = links.verification_key(signed_up())
    before = rows()
    assert refusal(verify_email, key=key + "x").code == ErrorCode.INVALID_VERIFICATION_KEY
    with time_machine.travel(clock.now() + timedelta(hours=24, seconds=2), tick=False):
        assert refusal(verify_email, key=key).code == ErrorCode.INVALID_VERIFICATION_KEY
    assert (rows(), is_verified()) == (before, False)
