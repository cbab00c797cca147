"""However many wrong passwords come at the same moment: an account is locked once, and not before its limit."""

from datetime import UTC, datetime

import pytest
import time_machine

from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.log_in import log_in
from accounts.models import User
from tests.concurrency.race import race, rounds
from tests.flows.context import client, signed_up

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 6, 1, 12, 10, tzinfo=UTC)


def refused() -> ErrorCode:
    with pytest.raises(AccountError) as refusal:
        log_in(names=("alice",), password="wrong-horse-9", context=client())
    return refusal.value.code


def test_twelve_at_once() -> None:
    signed_up()
    for day in range(rounds(10)):
        with time_machine.travel(NOON.replace(day=1 + day), tick=False):
            before = User.objects.get().locked_until
            assert set(race(*[refused] * 4 + [refused] * 4)) == {ErrorCode.INVALID_CREDENTIALS}
            assert User.objects.get().locked_until == before
            answers = race(*[refused] * 4)
            assert sorted(answers) == [ErrorCode.INVALID_CREDENTIALS] * 2 + [ErrorCode.RATE_LIMITED] * 2
            assert User.objects.get().locked_until == NOON.replace(day=1 + day, hour=13, minute=0)
