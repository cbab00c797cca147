"""Tokens: for whom they are, and what other clocks may be wrong by (contract, Tokens and sessions)."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt as pyjwt
import pytest

from accounts.core.errors import AccountError, ErrorCode
from accounts.services import jwt
from accounts.services.jwt import TokenType
from tests.clients.authapi import AuthApi

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def token(*, issued: timedelta = timedelta(0), lives: timedelta = timedelta(minutes=5), **claims: Any) -> str:
    return jwt.encode(
        TokenType.ACCESS,
        user_id=uuid.uuid4(),
        session_id=uuid.uuid4(),
        token_id="1",
        issued_at=NOW + issued,
        expires_at=NOW + issued + lives,
        **claims,
    )


def is_accepted(token: str, **how: Any) -> bool:
    try:
        jwt.decode(token, expected=TokenType.ACCESS, **how)
    except AccountError as refusal:
        return refusal.code is not ErrorCode.TOKEN_NOT_VALID
    return True


class TestAudience:
    def test_is_a_setting(self, settings: Any) -> None:
        now = datetime.now(UTC) - NOW
        before = token(issued=now)
        assert pyjwt.decode(before, options={"verify_signature": False})["aud"] == "accounts"
        settings.AUDIENCE = "shop"
        assert is_accepted(before) is False
        made = token(issued=now)
        assert (pyjwt.decode(made, options={"verify_signature": False})["aud"], is_accepted(made)) == ("shop", True)
        settings.AUDIENCE = "accounts"
        assert (is_accepted(before), is_accepted(made)) == (True, False)

    def test_through_a_door(self, api: AuthApi, alice: Any, settings: Any) -> None:
        settings.AUDIENCE = "shop"
        assert api.user(alice["access"]).status_code == 401
        assert api.user(api.login("alice").json()["access"]).status_code == 200
