"""Fixtures of the comparisons with the FastAPI Users package."""

from collections.abc import Iterator

import pytest

from tests.contract.both import Both
from tests.contract.oracle import Oracle
from tests.mailbox import Mailbox


@pytest.fixture(scope="module")
def package() -> Iterator[Oracle]:
    oracle = Oracle()
    oracle.start()
    yield oracle
    oracle.stop()


@pytest.fixture
def both(package: Oracle, letters: Mailbox) -> Both:
    return Both(package, letters)


_count = iter(range(10_000))


@pytest.fixture
def email() -> str:
    """An address that is unknown to both."""
    return f"arthur{next(_count)}@camelot.bt"


@pytest.fixture
def account(both: Both, email: str) -> str:
    """A registered address; $id is its user, $token its bearer token."""
    both.register(email)
    both.login(email)
    return email


@pytest.fixture
def superuser(both: Both) -> str:
    """Another registered address, of a superuser; $admin is its bearer token, $admin_id its user."""
    address = f"merlin{next(_count)}@camelot.bt"
    both.register(address, "admin_id")
    both.set(address, is_superuser=True)
    both.login(address, "admin")
    return address
