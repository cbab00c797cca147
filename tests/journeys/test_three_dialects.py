"""One account, one session, three dialects: sign up in one, log in in the second, end it in the third."""

from itertools import permutations
from typing import Any, Protocol

import pytest

from accounts.models import Session, User
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex
from tests.clients.fastapi_users import FastAPIUsers
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db
EMAIL = "alice@example.org"


class Skin(Protocol):
    """The acts of a journey for a dialect's client. A session is the pair of its access and refresh token, or None."""

    def sign_up(self) -> None: ...
    def log_in(self, username: str) -> tuple[str, str | None]: ...
    def is_logged_in(self, access: str) -> bool: ...
    def log_out(self, access: str, refresh: str | None) -> None: ...


class AuthApiSkin:
    def __init__(self) -> None:
        self.client = AuthApi()

    def sign_up(self) -> None:
        assert self.client.register("alice", email=EMAIL).status_code == 201

    def log_in(self, username: str) -> tuple[str, str | None]:
        pair = self.client.login(username).json()
        return pair["access"], pair["refresh"]

    def is_logged_in(self, access: str) -> bool:
        answer = self.client.user(access)
        assert answer.status_code in (200, 401)
        return bool(answer.status_code == 200 and answer.json()["email"] == EMAIL)

    def log_out(self, access: str, refresh: str | None) -> None:
        assert self.client.logout(access).status_code == 200


class FastAPIUsersSkin:
    def __init__(self) -> None:
        self.client = FastAPIUsers()

    def sign_up(self) -> None:
        assert self.client.register(EMAIL).status_code == 201

    def log_in(self, username: str) -> tuple[str, str | None]:
        return self.client.token(EMAIL), None

    def is_logged_in(self, access: str) -> bool:
        answer = self.client.me(access)
        assert answer.status_code in (200, 401)
        return bool(answer.status_code == 200 and answer.json()["email"] == EMAIL)

    def log_out(self, access: str, refresh: str | None) -> None:
        assert self.client.logout(access).status_code == 204


class DurudexSkin:
    def __init__(self) -> None:
        self.client = Durudex()

    def sign_up(self) -> None:
        assert "errors" not in self.client.register("alice", email=EMAIL).json()

    def log_in(self, username: str) -> tuple[str, str | None]:
        pair = self.client.login(username).json()["data"]["signIn"]
        return pair["access"], pair["refresh"]

    def is_logged_in(self, access: str) -> bool:
        said = self.client.me(access).json()
        if said.get("errors"):
            assert [error["extensions"]["code"] for error in said["errors"]] == ["UNAUTHORIZED"]
            return False
        return bool(said["data"]["me"]["email"] == EMAIL)

    def log_out(self, access: str, refresh: str | None) -> None:
        # This dialect ends the session of a refresh token. A client without one logs in again here.
        if refresh is None:
            pytest.fail("a session without a refresh token cannot be ended in this dialect")
        assert self.client.logout(access, refresh).json() == {"data": {"signOut": True}}


SKINS: dict[str, type[Skin]] = {"authapi": AuthApiSkin, "fastapi_users": FastAPIUsersSkin, "durudex": DurudexSkin}


@pytest.mark.parametrize(("first", "second", "third"), list(permutations(SKINS)))
def test_journey(first: str, second: str, third: str, letters: Mailbox) -> None:
    SKINS[first]().sign_up()
    username = User.objects.get().username
    assert username == "alice"
    Session.objects.all().delete()

    access, refresh = SKINS[second]().log_in(username)
    assert Session.objects.count() == 1
    assert Session.objects.get().dialect == second
    for name, skin in SKINS.items():
        assert skin().is_logged_in(access), name

    if third == "durudex" and refresh is None:
        end_all(access)
    else:
        SKINS[third]().log_out(access, refresh)
    for name, skin in SKINS.items():
        assert not skin().is_logged_in(access), name
    if refresh is not None:
        assert AuthApi().refresh(refresh).status_code == 401


def end_all(access: str) -> None:
    """A FastAPI Users client has no refresh token for signOut, so in Durudex a reset with a code ends its session."""
    client = Durudex()
    code = client.mailed_code(EMAIL)
    answer: Any = client.forgot_password(EMAIL, code, "battery-staple-7")
    assert answer.json() == {"data": {"forgotPassword": True}}


def test_reset_anywhere_ends_sessions_everywhere(letters: Mailbox) -> None:
    AuthApiSkin().sign_up()
    tokens = [skin().log_in("alice")[0] for skin in SKINS.values()]
    assert all(skin().is_logged_in(token) for skin in SKINS.values() for token in tokens)
    end_all(tokens[0])
    assert not any(skin().is_logged_in(token) for skin in SKINS.values() for token in tokens)
    assert AuthApi().login("alice", PASSWORD).status_code == 400
    assert AuthApi().login("alice", "battery-staple-7").status_code == 200
