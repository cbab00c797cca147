"""Clients and users that several files of these tests share."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from tests.clients.authapi import AuthApi
from tests.clients.durudex import Durudex
from tests.clients.fastapi_users import ARTHUR, MERLIN, FastAPIUsers
from tests.mailbox import Mailbox


@pytest.fixture(params=["json", "form", "multipart"])
def any_api(request: pytest.FixtureRequest) -> AuthApi:
    """A client of the AuthApi, with each form of a body."""
    return AuthApi(body=request.param)


@pytest.fixture
def durudex() -> Durudex:
    """A client of the newer schema."""
    return Durudex()


@pytest.fixture(params=[False, True], ids=["newer", "older"])
def either(request: pytest.FixtureRequest) -> Durudex:
    """A client of each schema."""
    return Durudex(older=request.param)


@pytest.fixture
def carol(durudex: Durudex) -> dict[str, Any]:
    """A signed-up user: `access` and `refresh`."""
    tokens: dict[str, Any] = durudex.register("carol").json()["data"]["signUp"]
    return tokens


@pytest.fixture
def client() -> FastAPIUsers:
    """A client of the FastAPI Users dialect."""
    return FastAPIUsers()


@pytest.fixture
def arthur(client: FastAPIUsers) -> str:
    """A registered user's access token."""
    client.register(ARTHUR)
    return client.token(ARTHUR)


@pytest.fixture
def merlin(client: FastAPIUsers) -> str:
    """A superuser's access token."""
    client.register(MERLIN)
    User.objects.filter(email=MERLIN).update(is_superuser=True)
    return client.token(MERLIN)


@pytest.fixture
def user(alice: Any, letters: Mailbox) -> User:
    """alice, who is not verified and has a session; nothing is left in the outbox."""
    letters.collect()
    return User.objects.with_address().get(username="alice")


@pytest.fixture
def unchanged(rows: Callable[[], dict[str, int]]) -> Callable[[], bool]:
    """Says whether every table has as many rows as at the beginning."""
    before = rows()
    return lambda: rows() == before
