"""The short form of `make faults`: nothing that was acknowledged is lost while parts of the product are killed."""

import pytest

from tests.faults.faults import Fault, shortly
from tests.faults.report import run
from tests.servers import ON_POSTGRES


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has no server")
def test_nothing_is_lost_while_parts_are_killed() -> None:
    outcome = run("shortly", Fault(1, shortly), 1)
    assert outcome.notes == []
    assert not outcome.is_bad
    assert outcome.acknowledged > 50
    # The times are figures of `make faults`. Beside other work they are not reliable.
    assert outcome.seconds_until_good is not None
