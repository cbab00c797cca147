"""The same requests to the real package and to ours: what a user and a superuser read and change."""

from typing import Any

import pytest

from tests.clients.authapi import NEW_PASSWORD
from tests.clients.fastapi_users import COOKIE
from tests.contract.both import ADMIN, BEARER, Both

# The package knows only addresses that change at once.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("immediate")]


class TestMe:
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": "Bearer x"},
            {"Authorization": "Bearer "},
            {"Authorization": "Basic $token"},
            {"Authorization": "$token"},
            {"Cookie": f"{COOKIE}=x"},
            {"Cookie": "sessionid=$token"},
        ],
    )
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/users/me"),
            ("PATCH", "/users/me"),
            ("GET", "/users/$id"),
            ("DELETE", "/users/$id"),
            ("POST", "/auth/jwt/logout"),
            ("POST", "/auth/cookie/logout"),
        ],
    )
    def test_no_token(self, both: Both, account: str, method: str, path: str, headers: dict[str, str]) -> None:
        assert both.send(method, path, {} if method == "PATCH" else None, **headers).status == 401

    @pytest.mark.parametrize(
        "headers",
        [
            {"Authorization": "Bearer $token"},
            {"Authorization": "bearer $token"},
            {"Cookie": f"{COOKIE}=$token"},
            {"Cookie": f"{COOKIE}=$token", "Authorization": "Bearer x"},
            {"Cookie": f"{COOKIE}=x", "Authorization": "Bearer $token"},
        ],
    )
    def test_good_token(self, both: Both, account: str, headers: dict[str, str]) -> None:
        assert both.send("GET", "/users/me", **headers).json()["email"] == account

    def test_inactive(self, both: Both, account: str) -> None:
        both.set(account, is_active=False)
        assert both.send("GET", "/users/me", **BEARER).status == 401


class TestPatchMe:
    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"x": 1},
            {"password": None},
            {"is_superuser": True, "is_active": False, "is_verified": True},
            {"is_superuser": "yes", "is_active": None},
            {"password": NEW_PASSWORD},
        ],
    )
    def test_good(self, both: Both, account: str, body: Any) -> None:
        answer = both.send("PATCH", "/users/me", body, **BEARER)
        assert answer.status == 200
        assert answer.json()["is_superuser"] is False
        assert both.send("GET", "/users/me", **BEARER).json() == answer.json()

    @pytest.mark.parametrize(
        "body",
        [
            {"password": "short"},
            {"password": ""},
            {"password": 1, "email": 1, "is_active": []},
            {"email": "x"},
            {"email": "", "password": "short"},
            {"is_verified": "maybe"},
        ],
    )
    def test_bad(self, both: Both, account: str, rows: Any, body: Any) -> None:
        before = rows()
        assert both.send("PATCH", "/users/me", body, **BEARER).status in (400, 422)
        assert rows() == before

    def test_new_address(self, both: Both, account: str) -> None:
        both.send("POST", "/auth/request-verify-token", {"email": account})
        both.mailed(account, "verify", "key")
        assert both.send("POST", "/auth/verify", {"token": "$key"}).json()["is_verified"] is True
        answer = both.send("PATCH", "/users/me", {"email": "New." + account.upper()}, **BEARER)
        assert answer.json()["is_verified"] is False
        both.login("new." + account)
        assert both.send("POST", "/auth/verify", {"token": "$key"}).json() == {"detail": "VERIFY_USER_BAD_TOKEN"}

    def test_own_and_taken_address(self, both: Both, account: str, superuser: str) -> None:
        assert both.send("PATCH", "/users/me", {"email": account}, **BEARER).status == 200
        assert both.send("PATCH", "/users/me", {"email": account.title()}, **BEARER).status == 400
        for taken in (superuser, superuser.upper()):
            answer = both.send("PATCH", "/users/me", {"email": taken}, **BEARER)
            assert answer.json() == {"detail": "UPDATE_USER_EMAIL_ALREADY_EXISTS"}
        both.send("PATCH", "/users/me", {"email": superuser, "password": "short"}, **BEARER)
        # All or nothing: a good password beside a taken address is not set.
        assert both.send("PATCH", "/users/me", {"password": NEW_PASSWORD, "email": superuser}, **BEARER).status == 400
        both.login(account)


class TestUsers:
    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    def test_not_superuser(self, both: Both, account: str, method: str) -> None:
        body = {"is_active": "x"} if method == "PATCH" else None
        for id in ("$id", "nobody", "4fd3477b-eccf-4ee3-8f7d-68ad72261476"):
            assert both.send(method, f"/users/{id}", body, **BEARER).status == 403

    @pytest.mark.parametrize("id", ["nobody", "4fd3477b-eccf-4ee3-8f7d-68ad72261476", "%00", "1", "me%20", "%2F"])
    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    def test_unknown(self, both: Both, superuser: str, method: str, id: str) -> None:
        body = {"is_active": "x"} if method == "PATCH" else None
        assert both.send(method, f"/users/{id}", body, **ADMIN).status == 404

    def test_read(self, both: Both, account: str, superuser: str) -> None:
        assert both.send("GET", "/users/$id", **ADMIN).json()["email"] == account
        plain_ids = [values["id"].replace("-", "") for values in both.values]
        both.keep("hex", plain_ids[0], plain_ids[1])
        assert both.send("GET", "/users/$hex", **ADMIN).status == 200

    @pytest.mark.parametrize(
        "body",
        [
            {"is_verified": True},
            {"is_superuser": True},
            {"is_active": False},
            {"is_active": False, "is_superuser": True, "is_verified": True, "password": NEW_PASSWORD},
            {"password": NEW_PASSWORD},
            {},
            {"is_active": "maybe"},
            {"password": "short"},
        ],
    )
    def test_change(self, both: Both, account: str, superuser: str, body: Any) -> None:
        answer = both.send("PATCH", "/users/$id", body, **ADMIN)
        if answer.status == 200:
            assert both.send("GET", "/users/$id", **ADMIN).json() == answer.json()

    def test_change_address(self, both: Both, account: str, superuser: str) -> None:
        new = "new." + account
        assert both.send("PATCH", "/users/$id", {"is_verified": True}, **ADMIN).json()["is_verified"] is True
        assert both.send("PATCH", "/users/$id", {"email": new}, **ADMIN).json()["is_verified"] is False
        verified = {"email": "newer." + account, "is_verified": True}
        assert both.send("PATCH", "/users/$id", verified, **ADMIN).json()["is_verified"] is True
        assert both.send("PATCH", "/users/$id", {"email": superuser.upper()}, **ADMIN).status == 400

    def test_delete(self, both: Both, account: str, superuser: str) -> None:
        assert both.send("DELETE", "/users/$id", **ADMIN).status == 204
        assert both.send("DELETE", "/users/$id", **ADMIN).status == 404
        assert both.send("GET", "/users/$id", **ADMIN).status == 404
        assert both.send("GET", "/users/me", **BEARER).status == 401
        both.register(account)
