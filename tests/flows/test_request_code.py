"""Asking for a mailed code, for an address that has an account or has none."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from accounts.core import clock
from accounts.core.errors import ErrorCode
from accounts.flows.request_code import request_code
from accounts.models import Message, VerificationCode
from accounts.services import codes
from tests.flows.context import ADDRESS, client, event, mailed, recorded, refusal, signed_up

pytestmark = pytest.mark.django_db
# The middle of an hour: the limits count from full hours.
NOON = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)


def test_the_mailed_code_is_the_right_one() -> None:
    request_code(email="bob@EXAMPLE.org", context=client())
    assert (mailed(), recorded()) == (
        [("verification_code", "bob@example.org")],
        [event("code_requested", username=None)],
    )
    (code,) = re.findall(r"\b\d{6}\b", Message.objects.get().text)
    assert codes.spend(VerificationCode, "bob@example.org", code, now=clock.now()) is True


def test_it_goes_to_the_address_as_its_owner_wrote_it() -> None:
    signed_up()
    request_code(email="ALICE@example.org", context=client())
    assert (mailed(), recorded()) == ([("verification_code", ADDRESS)], [event("code_requested")])


def test_an_invalid_address_is_refused(rows: Any) -> None:
    before = rows()
    assert refusal(request_code, email="alice").code == ErrorCode.EMAIL_INVALID
    assert (rows(), VerificationCode.objects.count()) == (before, 0)


def test_the_sixth_code_within_an_hour(rows: Any) -> None:
    with time_machine.travel(NOON, tick=False):
        for _ in range(5):
            request_code(email=ADDRESS, context=client())
        before, code = rows(), VerificationCode.objects.values().get()
        refused = refusal(request_code, email=ADDRESS)
        assert (refused.code, refused.retry_after) == (ErrorCode.RATE_LIMITED, 1800)
        assert (rows(), VerificationCode.objects.values().get()) == (before, code)
    with time_machine.travel(NOON + timedelta(minutes=30), tick=False):
        request_code(email=ADDRESS, context=client())
        assert Message.objects.count() == 6
