"""Access and refresh tokens of the AuthApi, from login to logout."""

from typing import Any

import pytest

from accounts.core.conf import conf
from accounts.models import Session, User
from tests.clients.authapi import NO_BEARER, NOT_VALID, AuthApi
from tests.clock import after

pytestmark = pytest.mark.django_db


class TestTokens:
    def test_refresh_rotates(self, api: AuthApi, alice: Any) -> None:
        first = api.refresh(alice["refresh"]).json()
        assert first["refresh"] != alice["refresh"]
        second = api.refresh(first["refresh"]).json()
        assert second["refresh"] not in (first["refresh"], alice["refresh"])
        assert api.user(second["access"]).status_code == 200

    def test_claims(self, api: AuthApi, alice: Any) -> None:
        import jwt

        access = jwt.decode(alice["access"], options={"verify_signature": False})
        assert set(access) == {"token_type", "sub", "sid", "jti", "iat", "exp", "iss", "aud", "email_verified"} | {
            "amr",
            "auth_time",
        }
        assert (access["amr"], access["auth_time"]) == (["pwd"], access["iat"])
        assert access["sub"] == alice["user"]["pk"]
        assert access["exp"] - access["iat"] == 300
        assert access["iss"] == conf.public_url
        session = Session.objects.get()
        assert access["sid"] == str(session.pk)
        refresh = jwt.decode(alice["refresh"], options={"verify_signature": False})
        assert refresh["sid"] == access["sid"]
        assert refresh["exp"] == int(session.expires_at.timestamp())

    def test_kinds_are_not_mixed(self, api: AuthApi, alice: Any) -> None:
        assert api.refresh(alice["access"]).json() == NOT_VALID
        assert api.user(alice["refresh"]).json() == NOT_VALID

    def test_verify_takes_both_kinds(self, api: AuthApi, alice: Any) -> None:
        for kind in ("access", "refresh"):
            answer = api.verify(alice[kind])
            assert (answer.status_code, answer.content) == (200, b"")

    def test_expiry(self, api: AuthApi, alice: Any) -> None:
        with after(seconds=298):
            assert api.user(alice["access"]).status_code == 200
        with after(seconds=301):
            assert api.user(alice["access"]).json() == NOT_VALID
            assert api.verify(alice["access"]).json() == NOT_VALID
            assert api.refresh(alice["refresh"]).status_code == 200

    def test_missing_token(self, api: AuthApi) -> None:
        assert api.call("POST", "token/refresh/", {}).json() == {"refresh": ["This field is required."]}
        assert api.call("POST", "token/verify/", {}).json() == {"token": ["This field is required."]}

    def test_deleted_user(self, api: AuthApi, alice: Any) -> None:
        User.objects.all().delete()
        assert api.refresh(alice["refresh"]).status_code == 401
        assert api.verify(alice["access"]).status_code == 401
        assert api.user(alice["access"]).status_code == 401


class TestLogout:
    def test_ends_both_tokens(self, api: AuthApi, alice: Any) -> None:
        other = api.login("alice").json()
        assert api.logout(alice["access"]).status_code == 200
        assert api.user(alice["access"]).status_code == 401
        assert api.verify(alice["access"]).status_code == 401
        assert api.refresh(alice["refresh"]).status_code == 401
        assert api.logout(alice["access"]).status_code == 401
        assert api.user(other["access"]).status_code == 200

    def test_with_expired_access_token(self, api: AuthApi, alice: Any) -> None:
        with after(hours=3):
            assert api.user(alice["access"]).status_code == 401
            assert api.logout(alice["access"]).status_code == 200
            assert api.refresh(alice["refresh"]).status_code == 401

    def test_without_token(self, api: AuthApi, alice: Any, rows: Any) -> None:
        before = rows()
        answer = api.call("POST", "logout/")
        assert (answer.status_code, answer.json()) == (401, NO_BEARER)
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'
        assert rows() == before
