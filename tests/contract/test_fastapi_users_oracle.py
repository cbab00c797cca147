"""The same requests to the real package and to ours: bodies, documents, and what differs on purpose."""

import json
import re
from typing import Any

import pytest

from tests import openapi
from tests.clients.authapi import NEW_PASSWORD, PASSWORD
from tests.clients.fastapi_users import COOKIE
from tests.contract.both import ADMIN, BEARER, FORM, JSON, Answer, Both

# The package knows only addresses that change at once.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("immediate")]

# The intended differences, and their reasons. The test with the same name in TestOnPurpose shows each of them.
ON_PURPOSE = {
    "input": "A 422 does not repeat what was sent: it may be a password, or text that no JSON can carry (there the "
    "package answers 500).",
    "address": "One rule of addresses for all dialects: none is cut out of `Name <address>`, reserved names such as "
    ".test are taken, and the reason is a sentence of ours.",
    "password": "One rule of passwords for all dialects: more is looked at than their length.",
    "control_characters": "No dialect takes NUL or lone surrogates.",
    "null": "`null` in a PATCH leaves the field alone; the package answers 500.",
    "last_superuser": "The last active superuser stays: 400 LAST_SUPERUSER.",
    "revoked": "Logging out ends the session, so that its token is refused from then on; so does another password.",
    "mailed": "A reset token dies with the address that it was mailed to.",
    "origin": "A write with the cookie from another site is refused with 403.",
    "size": "A body is 1 MiB at most (413).",
    "me": "DELETE /users/me is a wrong method (405) and not about a user whose id is `me`.",
    "multipart": "A multipart body that cannot be read is answered with FastAPI's sentence for other bodies.",
}
NOT_OBJECTS = ["[]", "[1]", '"x"', "1", "null", "true", "", "{", '{"a":', "nope", '{"a":1} x', "\ufeff{}"]
JSON_PATHS = [
    "/auth/register",
    "/auth/forgot-password",
    "/auth/reset-password",
    "/auth/request-verify-token",
    "/auth/verify",
]


class TestBodies:
    @pytest.mark.parametrize("path", JSON_PATHS)
    @pytest.mark.parametrize("body", NOT_OBJECTS)
    def test_no_object(self, both: Both, path: str, body: str) -> None:
        both.send("POST", path, body, JSON)

    @pytest.mark.parametrize("path", JSON_PATHS)
    @pytest.mark.parametrize("type", ["text/plain", FORM, "application/xml", "x", "application/jsonx"])
    def test_other_types(self, both: Both, path: str, type: str) -> None:
        body = json.dumps({"email": "z@camelot.bt", "password": PASSWORD, "token": "x"})
        assert both.send("POST", path, body, type).status == 422

    @pytest.mark.parametrize(
        "type", ["application/json; charset=utf-8", "application/vnd.api+json", "Application/JSON"]
    )
    def test_types_of_json(self, both: Both, type: str) -> None:
        both.send("POST", "/auth/verify", '{"token": "x"}', type)

    @pytest.mark.parametrize("body", NOT_OBJECTS)
    def test_no_object_in_a_patch(self, both: Both, account: str, superuser: str, body: str) -> None:
        both.send("PATCH", "/users/me", body, JSON, **BEARER)
        both.send("PATCH", "/users/me", body, JSON)
        both.send("PATCH", "/users/$id", body, JSON, **ADMIN)
        both.send("PATCH", "/users/nobody", body, JSON, **ADMIN)
        both.send("PATCH", "/users/$id", body, JSON, **BEARER)

    def test_deep_nesting(self, both: Both) -> None:
        assert both.send("POST", "/auth/register", "[" * 20_000, JSON).status == 400

    @pytest.mark.parametrize(
        "path",
        [
            "/auth/register/",
            "/auth/jwt/login//",
            "/auth/verify/?a=1&b=%2F+%D1%84",
            "/users/me/",
            "/users/a%20%D1%84/?x",
            "/openapi.json/",
            # These lead nowhere.
            "/auth/nothing/",
            "/auth/jwt/",
            "/users//",
            "/users/a/b/",
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
    def test_slash_at_the_end(self, both: Both, method: str, path: str) -> None:
        theirs, ours = both.raw(method, path)
        location = theirs.headers.get("location")
        origin = f"http://127.0.0.1:{both.oracle.port}"
        expected = (theirs.status, location and location.removeprefix(origin))
        assert (ours.status, ours.headers.get("location")) == expected

    @pytest.mark.parametrize("path", ["/auth/nothing", "/users/", "/auth/", "/users/a/b", "/users/me/x", "/auth/jwt"])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_unknown_paths(self, both: Both, method: str, path: str) -> None:
        assert both.send(method, path).status == 404

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/auth/register"),
            ("PUT", "/auth/register"),
            ("OPTIONS", "/auth/register"),
            ("HEAD", "/users/me"),
            ("POST", "/users/me"),
            ("POST", "/users/abc"),
            ("GET", "/auth/jwt/login"),
            ("GET", "/auth/jwt/logout"),
            ("DELETE", "/auth/cookie/logout"),
        ],
    )
    def test_wrong_methods(self, both: Both, method: str, path: str) -> None:
        assert both.send(method, path).status == 405


class TestDocument:
    def test_operations_are_the_packages(self, both: Both) -> None:
        """Newly generated clients keep the names of their methods."""
        theirs, ours = (
            {
                (method, path): operation["operationId"]
                for path, operations in answer.json()["paths"].items()
                for method, operation in operations.items()
            }
            for answer in both.raw("GET", "/openapi.json")
        )
        # The package knows no second factors.
        assert ours.pop(("post", "/auth/jwt/mfa")) == "auth_jwt_mfa_auth_jwt_mfa_post"
        assert ours.pop(("post", "/auth/cookie/mfa")) == "auth_cookie_mfa_auth_cookie_mfa_post"
        # Its OAuth routes have an operation for each provider that an application mounts.
        for path in ("/auth/{provider}", "/auth/associate/{provider}"):
            for act in ("authorize", "callback"):
                assert ours.pop(("get", f"{path}/{act}")).startswith("oauth_")
        assert theirs == ours
        assert len(ours) == 14

    def test_words_are_enums(self, both: Both) -> None:
        theirs, ours = both.raw("GET", "/openapi.json")
        packages_words = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", theirs.body))
        assert len(packages_words) == 10
        whole = json.dumps(openapi.document())
        for word in packages_words:
            assert f'"{word}"' in ours.body
            assert f'"{word}"' in whole

    def test_own_tags(self, both: Both) -> None:
        for path, operations in openapi.document()["paths"].items():
            for operation in operations.values():
                is_ours = path.startswith(("/auth/", "/users/"))
                assert operation["tags"][0].startswith("fastapi-users-") is is_ours


class TestOnPurpose:
    def test_each_is_shown(self) -> None:
        shown = {name.removeprefix("test_") for name in vars(TestOnPurpose) if name.startswith("test_")}
        assert shown - {"each_is_shown"} == set(ON_PURPOSE)

    def differ(self, answers: list[Answer], theirs: int, ours: int) -> Any:
        assert [answer.status for answer in answers] == [theirs, ours], answers
        return answers[1].json() if answers[1].body else None

    def test_input(self, both: Both) -> None:
        theirs, ours = both.raw("POST", "/auth/verify", {"token": 1})
        assert ("input" in theirs.json()["detail"][0], "input" in ours.json()["detail"][0]) == (True, False)

    def test_address(self, both: Both) -> None:
        named = both.raw("POST", "/auth/register", {"email": "Arthur <named@camelot.bt>", "password": PASSWORD})
        assert self.differ(named, 201, 422)["detail"][0]["loc"] == ["body", "email"]
        self.differ(
            both.raw("POST", "/auth/register", {"email": "arthur@camelot.test", "password": PASSWORD}), 422, 201
        )

    def test_password(self, both: Both, email: str) -> None:
        for password in ("password1", email):
            body = {"email": email, "password": password}
            refused = self.differ(both.raw("POST", "/auth/register", body), 201, 400)
            assert refused["detail"]["code"] == "REGISTER_INVALID_PASSWORD"
            email = "x" + email

    def test_control_characters(self, both: Both, email: str) -> None:
        self.differ(both.raw("POST", "/auth/register", {"email": email, "password": "\0correct-horse"}), 201, 422)
        lone = f'{{"email": "x{email}", "password": "\\ud800correct-horse"}}'
        self.differ(both.raw("POST", "/auth/register", lone, JSON), 500, 422)

    def test_null(self, both: Both, account: str, superuser: str) -> None:
        self.differ(both.raw("PATCH", "/users/me", {"email": None}, **BEARER), 500, 200)
        self.differ(both.raw("PATCH", "/users/$id", {"is_active": None}, **ADMIN), 500, 200)

    def test_last_superuser(self, both: Both, superuser: str) -> None:
        answers = both.raw("PATCH", "/users/$admin_id", {"is_superuser": False}, **ADMIN)
        assert self.differ(answers, 200, 400) == {"detail": "LAST_SUPERUSER"}

    def test_revoked(self, both: Both, account: str) -> None:
        both.login(account, "other")
        both.send("PATCH", "/users/me", {"password": NEW_PASSWORD}, **BEARER)
        self.differ(both.raw("GET", "/users/me", Authorization="Bearer $other"), 200, 401)
        both.send("POST", "/auth/jwt/logout", **BEARER)
        self.differ(both.raw("GET", "/users/me", **BEARER), 200, 401)

    def test_mailed(self, both: Both, account: str) -> None:
        both.send("POST", "/auth/forgot-password", {"email": account})
        both.mailed(account, "reset", "reset")
        both.send("PATCH", "/users/me", {"email": "new." + account}, **BEARER)
        body = {"token": "$reset", "password": NEW_PASSWORD}
        answers = both.raw("POST", "/auth/reset-password", body)
        assert self.differ(answers, 200, 400) == {"detail": "RESET_PASSWORD_BAD_TOKEN"}

    def test_origin(self, both: Both, account: str) -> None:
        headers = {"Cookie": f"{COOKIE}=$token", "Origin": "https://evil.test"}
        self.differ(both.raw("PATCH", "/users/me", {"password": NEW_PASSWORD}, **headers), 200, 403)

    def test_size(self, both: Both) -> None:
        self.differ(both.raw("POST", "/auth/verify", {"token": "x" * 3_000_000}), 400, 413)

    def test_me(self, both: Both) -> None:
        self.differ(both.raw("DELETE", "/users/me"), 401, 405)

    def test_multipart(self, both: Both) -> None:
        answers = both.raw("POST", "/auth/jwt/login", "x", "multipart/form-data")
        assert self.differ(answers, 400, 400) == {"detail": "There was an error parsing the body"}
        assert answers[0].body != answers[1].body
