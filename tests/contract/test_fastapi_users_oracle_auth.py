"""The same requests to the real package and to ours: registration, login, logout and mailed tokens."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.clients.authapi import NEW_PASSWORD, PASSWORD
from tests.clients.fastapi_users import COOKIE
from tests.contract.both import BEARER, FORM, JSON, Both

# The package knows only addresses that change at once.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("immediate")]


class TestRegister:
    def test_again(self, both: Both, email: str) -> None:
        both.register(email)
        assert both.send("POST", "/auth/register", {"email": email, "password": PASSWORD}).status == 400
        both.send("POST", "/auth/register", {"email": email.upper(), "password": PASSWORD})
        both.send("POST", "/auth/register", {"email": email.title(), "password": PASSWORD})

    @pytest.mark.parametrize(
        "more",
        [
            {"is_superuser": True, "is_verified": True, "is_active": False},
            {"is_superuser": None, "is_verified": None, "is_active": None},
            {"is_superuser": "yes", "is_verified": 1, "is_active": "OFF"},
            {"id": "1", "name": "Arthur", "hashed_password": "x"},
        ],
    )
    def test_extra_fields(self, both: Both, email: str, more: Any) -> None:
        theirs, ours = both.raw("POST", "/auth/register", {"email": email, "password": PASSWORD, **more})
        both.keep("id", theirs.json()["id"], ours.json()["id"])
        assert ours.status == theirs.status == 201
        assert both.plain(theirs, both.values[0]) == both.plain(ours, both.values[1])
        assert ours.json()["is_superuser"] is False

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"email": "arthur@camelot.bt"},
            {"password": PASSWORD},
            {"email": None, "password": None},
            {"email": 1, "password": 2},
            {"email": ["a"], "password": {"a": 1}},
            {"email": True, "password": 1.5},
            {"email": "", "password": ""},
            {"email": "arthur", "password": PASSWORD},
            {"email": "arthur@camelot", "password": PASSWORD},
            {"email": "a b@camelot.bt", "password": PASSWORD},
            {"email": "@camelot.bt", "password": PASSWORD},
            {"email": "a" * 250 + "@camelot.bt", "password": PASSWORD},
            {"email": "x\u0000@camelot.bt", "password": PASSWORD},
            {"email": "arthur@camelot.bt", "password": "short"},
            {"email": "short@camelot.bt", "password": ""},
            {"email": "x", "password": "short"},
            {"email": "y@camelot.bt", "password": PASSWORD, "is_active": "maybe"},
            {"email": "y@camelot.bt", "password": PASSWORD, "is_active": [], "is_superuser": 2, "is_verified": 1.5},
            {"email": "y", "password": 1, "is_active": {}},
        ],
    )
    def test_bad_values(self, both: Both, body: Any, rows: Any) -> None:
        before = rows()
        assert both.send("POST", "/auth/register", body).status in (400, 422)
        assert rows() == before

    def test_keeps_the_spelling(self, both: Both) -> None:
        both.register("King.Arthur@CAMELOT.bt")
        both.login("king.arthur@camelot.bt")
        assert both.send("GET", "/users/me", **BEARER).json()["email"] == "King.Arthur@camelot.bt"


class TestLogin:
    @pytest.mark.parametrize("path", ["/auth/jwt/login", "/auth/cookie/login"])
    @pytest.mark.parametrize(
        "form",
        [
            {},
            {"username": "a@camelot.bt"},
            {"password": PASSWORD},
            {"username": "", "password": ""},
            {"username": "nobody@camelot.bt", "password": PASSWORD},
            {"username": "nobody", "password": PASSWORD},
            {"username": "a@camelot.bt", "password": "x", "grant_type": "client_credentials"},
            {"grant_type": "x"},
            {"username": "a@camelot.bt", "password": "x", "grant_type": "", "scope": "", "client_id": "1"},
        ],
    )
    def test_refusals(self, both: Both, path: str, form: dict[str, str]) -> None:
        assert both.send("POST", path, urlencode(form), FORM).status in (400, 422)

    @pytest.mark.parametrize("path", ["/auth/jwt/login", "/auth/cookie/login"])
    def test_wrong_password_and_inactive(self, both: Both, account: str, path: str) -> None:
        wrong = urlencode({"username": account, "password": "wrong-horse-9"})
        assert both.send("POST", path, wrong, FORM).status == 400
        both.set(account, is_active=False)
        right = urlencode({"username": account, "password": PASSWORD})
        assert both.send("POST", path, right, FORM).json() == {"detail": "LOGIN_BAD_CREDENTIALS"}

    @pytest.mark.parametrize("more", [{}, {"grant_type": "password", "scope": "a b"}, {"grant_type": ""}])
    def test_form(self, both: Both, account: str, more: dict[str, str]) -> None:
        form = urlencode({"username": account.upper(), "password": PASSWORD, **more})
        theirs, ours = both.raw("POST", "/auth/jwt/login", form, FORM)
        assert (theirs.status, ours.status) == (200, 200)
        both.keep("token", theirs.json()["access_token"], ours.json()["access_token"])
        assert both.plain(theirs, both.values[0]) == both.plain(ours, both.values[1])
        assert both.send("POST", "/auth/cookie/login", form, FORM).status == 204

    def test_multipart(self, both: Both, account: str) -> None:
        body = "".join(
            f'--frontier\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in {"username": account, "password": PASSWORD}.items()
        )
        type = "multipart/form-data; boundary=frontier"
        assert both.send("POST", "/auth/cookie/login", body + "--frontier--\r\n", type).status == 204
        as_file = body.replace('name="password"', 'name="password"; filename="x"')
        assert both.send("POST", "/auth/jwt/login", as_file + "--frontier--\r\n", type).status == 422

    @pytest.mark.parametrize("type", [JSON, "text/plain", None])
    def test_no_form(self, both: Both, account: str, type: str | None) -> None:
        body = json.dumps({"username": account, "password": PASSWORD}) if type else None
        assert both.send("POST", "/auth/jwt/login", body, type).status == 422

    def test_repeated_field(self, both: Both, account: str) -> None:
        form = urlencode([("username", account), ("username", "nobody@camelot.bt"), ("password", PASSWORD)])
        assert both.send("POST", "/auth/jwt/login", form, FORM).status == 400

    def test_stale_credentials_do_not_bar_it(self, both: Both, account: str) -> None:
        form = urlencode({"username": account, "password": PASSWORD})
        stale = {"Authorization": "Bearer stale", "Cookie": f"{COOKIE}=stale"}
        assert both.send("POST", "/auth/cookie/login", form, FORM, **stale).status == 204


class TestLogout:
    @pytest.mark.parametrize("path", ["/auth/jwt/logout", "/auth/cookie/logout"])
    @pytest.mark.parametrize("headers", [BEARER, {"Cookie": f"{COOKIE}=$token"}])
    @pytest.mark.parametrize("body", [None, "[1]", "{"])
    def test_either_way(self, both: Both, account: str, path: str, headers: Any, body: str | None) -> None:
        assert both.send("POST", path, body, JSON if body else None, **headers).status == 204


class TestMailedTokens:
    @pytest.mark.parametrize("path", ["/auth/forgot-password", "/auth/request-verify-token"])
    @pytest.mark.parametrize(
        "body", [{}, {"email": "x"}, {"email": None}, {"email": 1}, {"email": ["a@b.de"]}, {"token": "x"}]
    )
    def test_bad_address(self, both: Both, path: str, body: Any) -> None:
        assert both.send("POST", path, body).status == 422

    @pytest.mark.parametrize("path", ["/auth/forgot-password", "/auth/request-verify-token"])
    def test_any_address(self, both: Both, account: str, path: str) -> None:
        for address in (account, account.upper(), "nobody@camelot.bt"):
            assert both.send("POST", path, {"email": address}).body == "null"

    @pytest.mark.parametrize("body", [{}, {"token": "x"}, {"password": PASSWORD}, {"token": 1, "password": []}])
    def test_bad_reset(self, both: Both, body: Any) -> None:
        assert both.send("POST", "/auth/reset-password", body).status == 422

    @pytest.mark.parametrize("body", [{}, {"token": None}, {"token": 1}, {"token": "x"}, {"token": ""}, {"key": "x"}])
    def test_bad_verify(self, both: Both, body: Any) -> None:
        assert both.send("POST", "/auth/verify", body).status in (400, 422)

    def test_reset(self, both: Both, account: str) -> None:
        both.send("POST", "/auth/forgot-password", {"email": account.upper()})
        both.mailed(account, "reset", "reset")
        weak = both.send("POST", "/auth/reset-password", {"token": "$reset", "password": "short"})
        assert weak.json()["detail"]["code"] == "RESET_PASSWORD_INVALID_PASSWORD"
        assert both.send("POST", "/auth/verify", {"token": "$reset"}).json() == {"detail": "VERIFY_USER_BAD_TOKEN"}
        good = {"token": "$reset", "password": NEW_PASSWORD}
        assert both.send("POST", "/auth/reset-password", good).body == "null"
        again = both.send("POST", "/auth/reset-password", good)
        assert again.json() == {"detail": "RESET_PASSWORD_BAD_TOKEN"}
        both.login(account, password=NEW_PASSWORD)

    def test_reset_of_inactive(self, both: Both, account: str) -> None:
        both.send("POST", "/auth/forgot-password", {"email": account})
        both.mailed(account, "reset", "reset")
        both.set(account, is_active=False)
        both.send("POST", "/auth/reset-password", {"token": "$reset", "password": NEW_PASSWORD})
        both.send("POST", "/auth/forgot-password", {"email": account})
        assert (account, "reset") not in both.oracle.tokens
        assert [letter.subject for letter in both.letters.collect()] == []

    def test_verify(self, both: Both, account: str) -> None:
        both.send("POST", "/auth/request-verify-token", {"email": account})
        both.mailed(account, "verify", "key")
        foreign = both.send("POST", "/auth/reset-password", {"token": "$key", "password": NEW_PASSWORD})
        assert foreign.json() == {"detail": "RESET_PASSWORD_BAD_TOKEN"}
        assert both.send("POST", "/auth/verify", {"token": "$key"}).json()["is_verified"] is True
        again = both.send("POST", "/auth/verify", {"token": "$key"})
        assert again.json() == {"detail": "VERIFY_USER_ALREADY_VERIFIED"}
        assert both.send("POST", "/auth/request-verify-token", {"email": account}).status == 202
        assert (account, "verify") not in both.oracle.tokens

    @pytest.mark.parametrize("path", ["/auth/verify", "/auth/reset-password"])
    def test_a_mailed_token_is_no_bearer_token(self, both: Both, account: str, path: str) -> None:
        assert both.send("POST", path, {"token": "$token", "password": NEW_PASSWORD}).status == 400
