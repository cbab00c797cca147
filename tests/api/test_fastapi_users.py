"""Requirements of the contract for this dialect beyond the package, and intended differences from the package."""

from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.api.fastapi_users.errors import STATUS_WORDS, WIRE, Word
from accounts.core.errors import ErrorCode
from accounts.models import SecurityEvent, Session, User
from tests.clients.authapi import NEW_PASSWORD, PASSWORD, AuthApi
from tests.clients.fastapi_users import ARTHUR, COOKIE, UNAUTHORIZED, FastAPIUsers, id_of
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db


def test_tables_are_total() -> None:
    assert set(WIRE) == set(ErrorCode)
    assert all((wire.word is None) is (wire.field is not None) for wire in WIRE.values())
    assert set(STATUS_WORDS.values()) <= set(Word)


class TestOneCore:
    def test_sessions_are_shared(self, client: FastAPIUsers, api: AuthApi, arthur: str) -> None:
        assert api.user(arthur).json()["email"] == ARTHUR
        assert api.logout(arthur).status_code == 200
        assert client.me(arthur).json() == UNAUTHORIZED

    def test_logout_ends_it_everywhere(self, client: FastAPIUsers, api: AuthApi, arthur: str) -> None:
        other = client.token(ARTHUR)
        assert client.logout(arthur).status_code == 204
        assert client.me(arthur).json() == UNAUTHORIZED
        assert api.user(arthur).status_code == 401
        assert client.logout(arthur).json() == UNAUTHORIZED
        assert client.me(other).status_code == 200

    def test_accounts_are_shared(self, client: FastAPIUsers, api: AuthApi, alice: Any, arthur: str) -> None:
        token = client.token("alice@example.org")
        assert client.me(token).json()["id"] == alice["user"]["pk"]
        assert client.me(alice["access"]).status_code == 200
        assert api.login(ARTHUR).status_code == 200

    def test_events_say_the_dialect(self, client: FastAPIUsers, arthur: str) -> None:
        assert set(SecurityEvent.objects.values_list("dialect", flat=True)) == {"fastapi_users"}
        assert Session.objects.get().dialect == "fastapi_users"

    def test_mails_are_those_of_the_authapi(
        self, client: FastAPIUsers, api: AuthApi, arthur: str, letters: Mailbox
    ) -> None:
        asked = letters.only()
        client.forgot_password(ARTHUR)
        reset = letters.only()
        assert (asked.subject, reset.subject) == ("Verify your e-mail address", "Reset your password")
        values = link_values(reset)
        assert api.confirm_reset(**values, new=NEW_PASSWORD).status_code == 200
        assert client.reset_password(values["token"], PASSWORD).json() == {"detail": "RESET_PASSWORD_BAD_TOKEN"}
        client.request_verify_token(ARTHUR)
        letters.collect()
        assert api.verify_email(link_values(asked)["key"]).status_code == 200
        assert client.verify(link_values(asked)["key"]).json() == {"detail": "VERIFY_USER_ALREADY_VERIFIED"}

    def test_reset_ends_every_session(self, client: FastAPIUsers, arthur: str, letters: Mailbox) -> None:
        letters.collect()
        client.forgot_password(ARTHUR)
        assert client.reset_password(link_values(letters.only())["token"], NEW_PASSWORD).status_code == 200
        assert client.me(arthur).json() == UNAUTHORIZED
        assert letters.only().subject == "Your password was changed"

    def test_unknown_address_writes_the_same_rows(self, client: FastAPIUsers, arthur: str, rows: Any) -> None:
        def added(call: Any, email: str) -> dict[str, int]:
            before = rows()
            assert call(email).content == b"null"
            return {name: count - before[name] for name, count in rows().items()}

        for call in (client.forgot_password, client.request_verify_token):
            assert added(call, ARTHUR) == added(call, "nobody@camelot.bt")

    def test_no_store(self, client: FastAPIUsers, arthur: str) -> None:
        for answer in (client.login(ARTHUR), client.me(arthur), client.me(), client.call("GET", "/auth/x")):
            assert answer.headers["Cache-Control"] == "no-store"


class TestRegister:
    @pytest.mark.parametrize(
        ("email", "username"),
        [
            (ARTHUR, "king.arthur"),
            ("Lance+lot_1@camelot.bt", "Lance+lot_1"),
            ("o'brien!x@camelot.bt", "obrienx"),
            ("'!'@camelot.bt", "user"),
            ("a" * 64 + "@camelot.bt", "a" * 64),
        ],
    )
    def test_username_is_made_of_the_address(self, client: FastAPIUsers, email: str, username: str) -> None:
        assert client.register(email).status_code == 201
        assert User.objects.get().username == username

    def test_username_is_free(self, client: FastAPIUsers, alice: Any) -> None:
        assert client.register("ALICE@camelot.bt").status_code == 201
        assert client.register("alice@other.bt").status_code == 201
        made = sorted(User.objects.exclude(username="alice").values_list("username_key", flat=True))
        assert len(made) == 2
        assert all(name.startswith("alice-") for name in made)

    def test_starts_no_session_and_mails_a_key(self, client: FastAPIUsers, letters: Mailbox) -> None:
        answer = client.register(ARTHUR)
        assert answer.json() == {
            "id": id_of(ARTHUR),
            "email": ARTHUR,
            "is_active": True,
            "is_superuser": False,
            "is_verified": False,
        }
        assert not Session.objects.exists()
        verified = client.verify(link_values(letters.only())["key"])
        assert verified.json() == answer.json() | {"is_verified": True}

    @pytest.mark.parametrize("password", ["password1", "12345678", "king.arthur", "x" * 1025])
    def test_weak_passwords(self, client: FastAPIUsers, rows: Any, password: str) -> None:
        before = rows()
        answer = client.register(ARTHUR, password)
        assert answer.status_code == 400
        assert answer.json()["detail"]["code"] == "REGISTER_INVALID_PASSWORD"
        assert answer.json()["detail"]["reason"]
        assert rows() == before


class TestMandatoryVerification:
    @pytest.fixture(autouse=True)
    def _mandatory(self, settings: Any) -> None:
        settings.EMAIL_VERIFICATION = "mandatory"

    def test_same_answer_for_fresh_and_taken(self, client: FastAPIUsers, letters: Mailbox) -> None:
        fresh, verification = client.register(ARTHUR), letters.only()
        taken, notice = client.register(ARTHUR.upper()), letters.only()
        assert (fresh.status_code, taken.status_code) == (201, 201)
        ids = {fresh.json().pop("id"), taken.json().pop("id")}
        # Neither id is the account's, because that id could be looked up.
        assert ids.isdisjoint({id_of(ARTHUR)})
        assert len(ids) == 2
        rest = {"is_active": True, "is_superuser": False, "is_verified": False}
        assert {**fresh.json(), "id": 0} == {"id": 0, "email": ARTHUR, **rest}
        assert {**taken.json(), "id": 0} == {"id": 0, "email": "KING.ARTHUR@camelot.bt", **rest}
        assert verification.subject == "Verify your e-mail address"
        assert (notice.to, notice.subject) == ([ARTHUR], "Somebody tried to register with your address")

    def test_login_waits(self, client: FastAPIUsers, letters: Mailbox) -> None:
        client.register(ARTHUR)
        for login in (client.login, client.cookie_login):
            assert login(ARTHUR).json() == {"detail": "LOGIN_USER_NOT_VERIFIED"}
            assert login(ARTHUR, "wrong-horse-9").json() == {"detail": "LOGIN_BAD_CREDENTIALS"}
        client.verify(link_values(letters.only())["key"])
        assert client.login(ARTHUR).status_code == 200


class TestTokens:
    def test_live_an_hour(self, client: FastAPIUsers, arthur: str) -> None:
        now = timezone.now()
        with time_machine.travel(now + timezone.timedelta(minutes=59), tick=False):
            assert client.me(arthur).status_code == 200
        with time_machine.travel(now + timezone.timedelta(minutes=61), tick=False):
            assert client.me(arthur).json() == UNAUTHORIZED
            # The session ended with the only token that could use it.
            assert client.logout(arthur).json() == UNAUTHORIZED
            assert not Session.objects.live(timezone.now()).exists()

    def test_cookie(self, client: FastAPIUsers, arthur: str) -> None:
        cookie = client.cookie_login(ARTHUR).cookies[COOKIE]
        said = {name: cookie[name] for name in ("httponly", "secure", "samesite", "path", "max-age", "domain")}
        assert said == {
            "httponly": True,
            "secure": True,
            "samesite": "lax",
            "path": "/",
            "max-age": 3600,
            "domain": "",
        }
        assert client.me(cookie=cookie.value).json()["email"] == ARTHUR
        gone = client.cookie_logout(cookie.value)
        assert (gone.status_code, gone.cookies[COOKIE].value, gone.cookies[COOKIE]["max-age"]) == (204, "", 0)
        assert client.me(cookie=cookie.value).json() == UNAUTHORIZED

    @pytest.mark.parametrize(
        "origin", ["https://evil.test", "null", "http://127.0.0.1:8000.evil.test", "http://localhost"]
    )
    def test_writes_from_another_site(self, client: FastAPIUsers, arthur: str, rows: Any, origin: str) -> None:
        before = rows()
        headers = {"Origin": origin}
        assert client.cookie_login(ARTHUR, **headers).json() == {"detail": "Forbidden"}
        for method, path in (("PATCH", "/users/me"), ("POST", "/auth/cookie/logout"), ("POST", "/auth/jwt/logout")):
            body = {"password": NEW_PASSWORD} if method == "PATCH" else None
            answer = client.call(method, path, body, cookie=arthur, headers=headers)
            assert (answer.status_code, answer.json()) == (403, {"detail": "Forbidden"})
        assert rows() == before
        # Reading is no write, and no browser sends a bearer token by itself.
        assert client.call("GET", "/users/me", cookie=arthur, headers=headers).status_code == 200
        assert client.call("POST", "/auth/jwt/logout", token=arthur, headers=headers).status_code == 204

    @pytest.mark.parametrize("headers", [{}, {"Origin": "http://127.0.0.1:8000"}, {"Origin": "http://testserver"}])
    def test_writes_from_here(self, client: FastAPIUsers, arthur: str, headers: dict[str, str]) -> None:
        headers = headers | {"Host": "testserver"}
        assert client.cookie_login(ARTHUR, **headers).status_code == 204
        answer = client.call("POST", "/auth/cookie/logout", cookie=arthur, headers=headers)
        assert answer.status_code == 204
