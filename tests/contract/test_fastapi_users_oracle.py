"""The same requests to the real package and to ours: status, the headers that clients read, and body are the same."""

import http.client
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts.models import User
from tests import openapi
from tests.clients.authapi import NEW_PASSWORD, PASSWORD
from tests.clients.fastapi_users import COOKIE, FastAPIUsers
from tests.contract.oracle import Oracle
from tests.mailbox import Mailbox, link_values

# The package knows only addresses that change at once.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("immediate")]
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
HEADERS = ("content-type", "www-authenticate", "location")

# What differs on purpose, and why; each is shown by the test of its name in TestOnPurpose.
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


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str
    cookie: str | None

    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture(scope="module")
def package() -> Iterator[Oracle]:
    oracle = Oracle()
    oracle.start()
    yield oracle
    oracle.stop()


class Both:
    """Sends each request to the package and to ours; values that differ by nature are written as $name in it."""

    def __init__(self, oracle: Oracle, letters: Mailbox) -> None:
        self.oracle = oracle
        self.letters = letters
        self.client = FastAPIUsers()
        self.values: list[dict[str, str]] = [{}, {}]

    def raw(self, method: str, path: str, body: Any = None, type: str | None = None, **headers: str) -> list[Answer]:
        """The package's answer and ours."""
        answers = []
        for values, send in zip(self.values, (self.to_package, self.to_ours), strict=True):

            def fill(text: str, values: dict[str, str] = values) -> str:
                return re.sub(r"\$(\w+)", lambda found: values.get(found[1], found[0]), text)

            data = fill(body if isinstance(body, str) else json.dumps(body)) if body is not None else None
            filled = {name.replace("_", "-"): fill(value) for name, value in headers.items()}
            answers.append(send(method, fill(path), data, type or (JSON if body is not None else None), filled))
        return answers

    def send(self, method: str, path: str, body: Any = None, type: str | None = None, **headers: str) -> Answer:
        """Our answer, which is the package's but for what differs by nature."""
        theirs, ours = self.raw(method, path, body, type, **headers)
        where = f"{method} {path} {str(body)[:200]} {headers}: {theirs} {ours}"
        assert theirs.status == ours.status, where
        for name in HEADERS:
            assert theirs.headers.get(name) == ours.headers.get(name), where
        assert self.shape(theirs.cookie) == self.shape(ours.cookie), where
        assert self.plain(theirs, self.values[0]) == self.plain(ours, self.values[1]), where
        return ours

    def keep(self, name: str, theirs: str, ours: str) -> None:
        self.values[0][name], self.values[1][name] = theirs, ours

    def register(self, email: str, name: str = "id") -> None:
        theirs, ours = self.raw("POST", "/auth/register", {"email": email, "password": PASSWORD})
        assert (theirs.status, ours.status) == (201, 201), (theirs, ours)
        self.keep(name, theirs.json()["id"], ours.json()["id"])
        assert self.plain(theirs, self.values[0]) == self.plain(ours, self.values[1])

    def login(self, email: str, name: str = "token", password: str = PASSWORD) -> None:
        theirs, ours = self.raw("POST", "/auth/jwt/login", urlencode({"username": email, "password": password}), FORM)
        assert (theirs.status, ours.status) == (200, 200), (theirs, ours)
        assert set(theirs.json()) == set(ours.json())
        assert theirs.json()["token_type"] == ours.json()["token_type"]
        self.keep(name, theirs.json()["access_token"], ours.json()["access_token"])

    def set(self, email: str, **columns: bool) -> None:
        self.oracle.set(email, **columns)
        User.objects.filter(email=email).update(**columns)

    def mailed(self, email: str, kind: str, name: str) -> None:
        """Keeps the token of the mail that was asked for last."""
        values = link_values([letter for letter in self.letters.collect() if letter.to == [email]][-1])
        self.keep(name, self.oracle.tokens.pop((email, kind)), values["token" if kind == "reset" else "key"])

    def to_package(self, method: str, path: str, body: str | None, type: str | None, headers: Any) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.oracle.port)
        sent = {**headers, "Content-Type": type} if type else headers
        connection.request(method, path, body.encode() if body is not None else None, sent)
        response = connection.getresponse()
        answer = Answer(
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read().decode(),
            response.getheader("Set-Cookie"),
        )
        connection.close()
        return answer

    def to_ours(self, method: str, path: str, body: str | None, type: str | None, headers: Any) -> Answer:
        extra = {"data": body or "", "content_type": type or ""} if body is not None or type else {}
        send = Client().generic if path == "/openapi.json" else self.client.send
        response = send(method, path, headers=headers, **extra)
        cookies = response.cookies.output(header="").strip() or None
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, found, response.content.decode(), cookies)

    def plain(self, answer: Answer, values: dict[str, str]) -> Any:
        """The body without what differs by nature or on purpose."""
        text = answer.body
        for name, value in values.items():
            text = text.replace(value, f"${name}")
        if not text or answer.headers.get("content-type") != JSON:
            return text
        body = json.loads(text)
        for problem in body["detail"] if isinstance(body, dict) and isinstance(body.get("detail"), list) else ():
            problem.pop("input", None)
            if problem["type"] == "value_error":
                problem["ctx"] = list(problem["ctx"])
                problem["msg"] = problem["msg"].partition(":")[0]
        return body

    def shape(self, cookie: str | None) -> Any:
        """What a cookie says beside its value; `expires` only repeats Max-Age for old browsers."""
        parts = [part.strip() for part in cookie.split(";")] if cookie else []
        value = parts[0].partition("=")[2] if parts else ""
        return {part for part in parts[1:] if not part.startswith("expires=")}, value in ("", '""'), bool(parts)


@pytest.fixture
def both(package: Oracle, letters: Mailbox) -> Both:
    return Both(package, letters)


_count = iter(range(10_000))


@pytest.fixture
def email() -> str:
    """An address that neither knows."""
    return f"arthur{next(_count)}@camelot.bt"


@pytest.fixture
def account(both: Both, email: str) -> str:
    """A registered address; $id is its user, $token its bearer token."""
    both.register(email)
    both.login(email)
    return email


@pytest.fixture
def superuser(both: Both) -> str:
    """Another registered address, of a superuser; $admin is its bearer token, $admin_id its user."""
    address = f"merlin{next(_count)}@camelot.bt"
    both.register(address, "admin_id")
    both.set(address, is_superuser=True)
    both.login(address, "admin")
    return address


BEARER = {"Authorization": "Bearer $token"}
ADMIN = {"Authorization": "Bearer $admin"}
NOT_OBJECTS = ["[]", "[1]", '"x"', "1", "null", "true", "", "{", '{"a":', "nope", '{"a":1} x', "\ufeff{}"]
JSON_PATHS = [
    "/auth/register",
    "/auth/forgot-password",
    "/auth/reset-password",
    "/auth/request-verify-token",
    "/auth/verify",
]


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
    def test_bearer_is_no_mailed_token(self, both: Both, account: str, path: str) -> None:
        assert both.send("POST", path, {"token": "$token", "password": NEW_PASSWORD}).status == 400


class TestDocument:
    def test_operations_are_the_packages(self, both: Both) -> None:
        """Clients that are generated anew keep the names of their methods."""
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
