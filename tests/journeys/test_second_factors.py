"""Second factors at every door: an authenticator app is added, used and removed."""

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.test import Client

from accounts.core import clock
from accounts.models import Challenge, RecoveryCode, SecurityEvent, Session, TotpFactor, User
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex
from tests.clients.fastapi_users import COOKIE, FastAPIUsers
from tests.mailbox import Mailbox, link_values
from tests.second_factors import Authenticator, enrol

pytestmark = pytest.mark.django_db


class AuthApiDoor:
    def log_in(self) -> dict[str, Any]:
        answer = AuthApi().login("alice")
        assert answer.status_code == 403
        body = answer.json()
        assert (body["code"], body["mfa_required"]) == ("mfa_required", True)
        assert body["ephemeral_token"] == body["challenge"]
        return dict(body)

    def answer(self, challenge: str, code: str) -> bool:
        answer = AuthApi().call("POST", "mfa/verify/", {"challenge": challenge, "code": code})
        if answer.status_code == 200:
            assert AuthApi().user(answer.json()["access"]).status_code == 200
        return bool(answer.status_code == 200)


class DjRestAuthDoor(AuthApiDoor):
    """With the names that dj-rest-auth's clients use."""

    def answer(self, challenge: str, code: str) -> bool:
        answer = AuthApi().call("POST", "mfa/verify/", {"ephemeral_token": challenge, "code": code})
        return bool(answer.status_code == 200)


class BearerDoor:
    def log_in(self) -> dict[str, Any]:
        answer = FastAPIUsers().login("alice@example.org")
        assert answer.status_code == 403
        assert answer.json()["detail"]["code"] == "MFA_REQUIRED"
        return dict(answer.json()["detail"])

    def answer(self, challenge: str, code: str) -> bool:
        answer = FastAPIUsers().call("POST", "/auth/jwt/mfa", {"challenge": challenge, "code": code})
        if answer.status_code == 200:
            assert FastAPIUsers().me(answer.json()["access_token"]).status_code == 200
        return bool(answer.status_code == 200)


class CookieDoor(BearerDoor):
    def log_in(self) -> dict[str, Any]:
        answer = FastAPIUsers().cookie_login("alice@example.org")
        assert (answer.status_code, COOKIE in answer.cookies) == (403, False)
        return dict(answer.json()["detail"])

    def answer(self, challenge: str, code: str) -> bool:
        answer = FastAPIUsers().call("POST", "/auth/cookie/mfa", {"challenge": challenge, "code": code})
        if answer.status_code == 204:
            assert FastAPIUsers().me(cookie=answer.cookies[COOKIE].value).status_code == 200
        return bool(answer.status_code == 204)


class DurudexDoor:
    def log_in(self) -> dict[str, Any]:
        (error,) = Durudex().login("alice").json()["errors"]
        assert error["extensions"]["code"] == "UNAUTHORIZED"
        return dict(error["extensions"])

    def answer(self, challenge: str, code: str) -> bool:
        query = "mutation($input: ChallengeInput!) { answerChallenge(input: $input) { access refresh } }"
        body = Durudex().run(query, {"input": {"challenge": challenge, "code": code}}).json()
        if "errors" in body:
            return False
        assert AuthApi().user(body["data"]["answerChallenge"]["access"]).status_code == 200
        return True


class AdminDoor:
    def __init__(self) -> None:
        User.objects.filter(username="alice").update(is_staff=True, is_superuser=True)
        self.browser = Client()

    def log_in(self) -> dict[str, Any]:
        page = self.browser.post("/admin/login/", {"username": "alice", "password": PASSWORD}).content.decode()
        (challenge,) = re.findall(r'name="challenge" value="([^"]+)"', page)
        assert self.browser.get("/admin/").status_code == 302
        return {"challenge": challenge, "factors": ["totp", "recovery_code"]}

    def answer(self, challenge: str, code: str) -> bool:
        page = self.browser.post("/admin/login/second-factor/", {"challenge": challenge, "code": code, "next": ""})
        assert page.status_code == 200 or self.browser.get("/admin/").status_code == 200
        return bool(page.status_code == 302)


DOORS = [AuthApiDoor, DjRestAuthDoor, BearerDoor, CookieDoor, DurudexDoor, AdminDoor]


@pytest.fixture
def authenticator(verified_alice: Any) -> Authenticator:
    return enrol(verified_alice["access"])


@pytest.mark.parametrize("door_class", DOORS)
def test_a_login_with_an_app(door_class: Any, authenticator: Authenticator) -> None:
    door = door_class()
    sessions = Session.objects.filter(ended_at=None).count()
    asked = door.log_in()
    assert asked["factors"] == ["totp", "recovery_code"]
    assert Session.objects.filter(ended_at=None).count() == sessions
    assert door.answer(asked["challenge"], authenticator.wrong()) is False
    # The code that confirmed the app is spent.
    assert door.answer(asked["challenge"], authenticator.now()) is False
    assert Session.objects.filter(ended_at=None).count() == sessions
    code = authenticator.next()
    assert door.answer(asked["challenge"], code) is True
    session = Session.objects.latest("started_at")
    assert session.amr == "pwd totp"
    assert Challenge.objects.get().spent_at is not None
    # Neither the challenge nor the code works again.
    assert door.answer(asked["challenge"], authenticator.next()) is False
    assert door_class().answer(door_class().log_in()["challenge"], code) is False


@pytest.mark.parametrize("door_class", DOORS)
def test_a_login_with_a_recovery_code(door_class: Any, authenticator: Authenticator, letters: Mailbox) -> None:
    letters.collect()
    for code in authenticator.recovery_codes[:2]:
        door = door_class()
        assert door.answer(door.log_in()["challenge"], code.upper().replace("-", " ")) is True
        (letter,) = letters.collect()
        assert letter.subject == "A recovery code was used"
        door = door_class()
        assert door.answer(door.log_in()["challenge"], code) is False
    assert RecoveryCode.objects.count() == 8


def test_few_codes_are_left(authenticator: Authenticator, letters: Mailbox) -> None:
    for code in authenticator.recovery_codes[:8]:
        letters.collect()
        door = AuthApiDoor()
        assert door.answer(door.log_in()["challenge"], code) is True
    assert {letter.subject for letter in letters.collect()} == {
        "A recovery code was used",
        "You have two recovery codes left",
    }


@pytest.mark.parametrize("door_class", DOORS)
def test_five_tries_and_five_minutes(door_class: Any, authenticator: Authenticator) -> None:
    door = door_class()
    asked = door.log_in()
    for _ in range(5):
        assert door.answer(asked["challenge"], authenticator.wrong()) is False
    assert door.answer(asked["challenge"], authenticator.next()) is False
    asked = door.log_in()
    with time_machine.travel(clock.now() + timedelta(minutes=5, seconds=1), tick=False):
        assert door.answer(asked["challenge"], authenticator.at(clock.now())) is False
    asked = door.log_in()
    with time_machine.travel(clock.now() + timedelta(minutes=4, seconds=59), tick=False):
        assert door.answer(asked["challenge"], authenticator.at(clock.now())) is True


def test_a_challenge_is_of_one_door_and_one_password(authenticator: Authenticator, api: AuthApi) -> None:
    asked = AuthApiDoor().log_in()
    assert CookieDoor().answer(asked["challenge"], authenticator.next()) is False
    user = User.objects.get()
    user.set_password("battery-staple-7")
    user.save()
    assert AuthApiDoor().answer(asked["challenge"], authenticator.next()) is False


def test_a_token_says_how_it_was_proved(authenticator: Authenticator, api: AuthApi) -> None:
    import jwt

    asked = AuthApiDoor().log_in()
    body = {"challenge": asked["challenge"], "code": authenticator.next()}
    tokens = api.call("POST", "mfa/verify/", body).json()
    assert jwt.decode(tokens["access"], options={"verify_signature": False})["amr"] == ["pwd", "otp", "mfa"]


def test_the_app_is_removed(authenticator: Authenticator, api: AuthApi, letters: Mailbox) -> None:
    token = authenticator.access
    answer = api.call("POST", "mfa/totp/deactivate/", {"code": authenticator.wrong()}, token=token)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_code")
    letters.collect()
    assert api.call("POST", "mfa/totp/deactivate/", {"code": authenticator.next()}, token=token).status_code == 200
    assert [letter.subject for letter in letters.collect()] == ["A second factor was removed"]
    assert (TotpFactor.objects.count(), RecoveryCode.objects.count()) == (0, 0)
    assert api.login("alice").status_code == 200
    answer = api.call("POST", "mfa/totp/deactivate/", {}, token=token)
    assert (answer.status_code, answer.json()["code"]) == (404, "factor_not_found")


def test_this_was_not_me_removes_what_was_added(verified_alice: Any, letters: Mailbox) -> None:
    enrol(verified_alice["access"])
    (letter,) = letters.collect()
    assert letter.subject == "A second factor was added"
    assert Client().post("/not-me", link_values(letter)).status_code == 200
    assert (TotpFactor.objects.count(), User.objects.get().has_second_factor) == (0, False)
    assert Session.objects.filter(ended_at=None).count() == 0


def test_this_was_not_me_leaves_an_older_factor(authenticator: Authenticator, letters: Mailbox, api: AuthApi) -> None:
    letters.collect()
    with time_machine.travel(clock.now() + timedelta(minutes=5)):
        door = AuthApiDoor()
        assert door.answer(door.log_in()["challenge"], authenticator.recovery_codes[0])
        (letter,) = letters.collect()
        assert Client().post("/not-me", link_values(letter)).status_code == 200
    assert (TotpFactor.objects.count(), User.objects.get().has_second_factor) == (1, True)


def test_a_reset_of_the_password_does_not_go_around_it(
    authenticator: Authenticator, api: AuthApi, letters: Mailbox
) -> None:
    letters.collect()
    api.reset("alice@example.org")
    values = link_values(letters.only())
    assert api.confirm_reset(values["uid"], values["token"], "battery-staple-7").status_code == 200
    answer = api.login("alice", "battery-staple-7")
    assert (answer.status_code, answer.json()["code"]) == (403, "mfa_required")


def test_events(authenticator: Authenticator) -> None:
    door = AuthApiDoor()
    asked = door.log_in()
    door.answer(asked["challenge"], authenticator.wrong())
    door.answer(asked["challenge"], authenticator.next())
    kinds = list(SecurityEvent.objects.order_by("id").values_list("kind", flat=True))
    assert kinds[-4:] == ["factor_added", "factor_asked", "factor_refused", "logged_in"]


def test_where_factors_are_off_nobody_is_asked(authenticator: Authenticator, api: AuthApi, settings: Any) -> None:
    settings.MFA = "off"
    assert api.login("alice").status_code == 200


def test_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B. Apps show the last six digits of these codes."""
    from accounts.services.factors.totp import step_of

    rfc = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert step_of(rfc, "287082", now=datetime.fromtimestamp(59, UTC)) == 1
    # Another library's codes, of this moment.
    other = TOTP(base64.b32decode(rfc), 6, SHA1(), 30)  # noqa: S303
    now = clock.now()
    assert step_of(rfc, other.generate(int(now.timestamp())).decode(), now=now) == int(now.timestamp()) // 30
    vectors = {1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}
    for seconds, code in vectors.items():
        at = datetime.fromtimestamp(seconds, UTC)
        for drift, expected in ((-60, False), (-30, True), (0, True), (30, True), (60, False)):
            step = step_of(rfc, code, now=at + timedelta(seconds=drift))
            assert step == (seconds // 30 if expected else None)
