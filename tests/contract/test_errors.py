"""Every dialect has one total table from ErrorCode to its wire."""

from accounts.api.authapi.errors import WIRE
from accounts.core.errors import ErrorCode


def test_authapi_table_is_total() -> None:
    assert set(WIRE) == set(ErrorCode)
