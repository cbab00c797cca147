from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.core.errors import AccountError, ErrorCode
from accounts.models import User
from accounts.services import users
from tests.clients.authapi import AuthApi
from tests.clients.fastapi_users import FastAPIUsers

pytestmark = pytest.mark.django_db


class FreedInBetween:
    """Deletes the other account after the insert has failed because of it, and before the look-up of its name."""

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT"):
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM accounts_user WHERE username_key = 'alice'")
        return execute(sql, params, many, context)


@pytest.mark.parametrize(("username", "email"), [("alice", "bob@example.org"), ("bob", "alice@example.org")])
def test_a_name_that_is_free_by_now_is_given(username: str, email: str) -> None:
    User.objects.create(username="alice", email="alice@example.org")
    user = User(username=username, email=email, password="!")
    with connection.execute_wrapper(FreedInBetween()):
        users.add(user, verified=False)
    assert User.objects.get().pk == user.pk
    assert user.emailaddress_set.get().email == email


def test_a_taken_name_or_address_has_its_own_code(alice: Any, api: AuthApi) -> None:
    for username, email, code in (
        ("alice", "bob@example.org", ErrorCode.USERNAME_TAKEN),
        ("bob", "alice@example.org", ErrorCode.EMAIL_TAKEN),
        ("alice", "alice@example.org", ErrorCode.USERNAME_TAKEN),
    ):
        with pytest.raises(AccountError) as refused:
            users.add(User(username=username, email=email, password="!"), verified=False)
        assert refused.value.code is code
    assert User.objects.count() == 1


def test_a_name_made_of_the_address_gets_a_suffix() -> None:
    client = FastAPIUsers()
    assert client.register("king@camelot.bt").status_code == 201
    assert client.register("king@avalon.bt").status_code == 201
    first, second = User.objects.order_by("created_at").values_list("username", flat=True)
    assert first == "king"
    assert second.startswith("king-")
