"""Tokens: their audience, and the allowed difference of clocks (contract, Tokens and sessions)."""

import math
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt as pyjwt
import pytest
import time_machine

from accounts.core.conf import conf
from accounts.core.errors import AccountError, ErrorCode
from accounts.services import jwt
from accounts.services.jwt import TokenType
from tests.clients.authapi import AuthApi
from tests.clients.durudex import Durudex
from tests.clients.fastapi_users import FastAPIUsers

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


class TestClocks:
    @pytest.mark.parametrize("claim", ["iat", "nbf"])
    @pytest.mark.parametrize(("ahead", "accepted"), [(0, True), (2, True), (30, True), (30.999, False), (31, False)])
    @pytest.mark.parametrize("how", [{}, {"even_if_expired": True}], ids=str)
    def test_a_clock_that_is_ahead(self, claim: str, ahead: float, accepted: bool, how: dict[str, bool]) -> None:
        # Times in tokens are whole seconds, so the reading clock supplies the fraction.
        seconds = math.ceil(ahead)
        late = token(issued=timedelta(seconds=seconds)) if claim == "iat" else token(nbf=int(NOW.timestamp()) + seconds)
        with time_machine.travel(NOW + timedelta(seconds=seconds - ahead), tick=False):
            assert is_accepted(late, **how) is accepted

    @pytest.mark.parametrize(("left", "accepted"), [(0.001, True), (0, False), (-0.001, False), (-29, False)])
    def test_the_end_is_exact(self, left: float, accepted: bool) -> None:
        made = token()
        end = NOW + timedelta(minutes=5)
        with time_machine.travel(end - timedelta(seconds=left), tick=False):
            assert is_accepted(made) is accepted
            # Logging out is possible as long as the session may live.
            assert is_accepted(made, even_if_expired=True) is True
        for late, is_good in ((timedelta(seconds=-1), True), (timedelta(0), False)):
            with time_machine.travel(end + conf.session_lifetime + late, tick=False):
                assert is_accepted(made, even_if_expired=True) is is_good

    def test_a_token_that_was_good_once_is_looked_at_again(self) -> None:
        made = token(issued=timedelta(seconds=30))
        for now, accepted in ((NOW, True), (NOW - timedelta(seconds=1), False), (NOW, True)):
            with time_machine.travel(now, tick=False):
                assert is_accepted(made) is accepted

    def test_two_hosts(self, api: AuthApi) -> None:
        with time_machine.travel(NOW + timedelta(seconds=25), tick=False):
            fresh = api.register("alice").json()
            fastapi_users, durudex = FastAPIUsers().token("alice@example.org"), Durudex().login("alice").json()
        with time_machine.travel(NOW, tick=False):
            assert api.user(fresh["access"]).status_code == 200
            assert api.verify(fresh["access"]).status_code == 200
            assert FastAPIUsers().me(fastapi_users).status_code == 200
            assert Durudex().me(durudex["data"]["signIn"]["access"]).json()["data"]["me"]["username"] == "alice"
            assert api.refresh(fresh["refresh"]).status_code == 200
            assert api.logout(fresh["access"]).status_code == 200
