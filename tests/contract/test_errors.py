"""Every dialect's table has a row for each ErrorCode."""

from accounts.api.authapi.errors import WIRE
from accounts.core.errors import ErrorCode


def test_authapi_table_is_total() -> None:
    assert set(WIRE) == set(ErrorCode)
