"""Bad input to this dialect: 4xx in its shape, never a 500, and no row is written."""

import json
from typing import Any

import pytest

from tests.clients.fastapi_users import FastAPIUsers

pytestmark = pytest.mark.django_db
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=frontier"
EMAIL = "king.arthur@camelot.bt"

# (what it is, body, content type, further headers)
BODIES: list[tuple[str, bytes, str, dict[str, str]]] = [
    ("nothing", b"", JSON, {}),
    ("no content type", b'{"email": "a@camelot.bt"}', "", {}),
    ("not JSON", b"nonsense", JSON, {}),
    ("cut off", b'{"email": "a@cam', JSON, {}),
    ("a list", b"[]", JSON, {}),
    ("a list of objects", b'[{"email": "a@camelot.bt"}]', JSON, {}),
    ("a string", b'"a@camelot.bt"', JSON, {}),
    ("a number", b"1e400", JSON, {}),
    ("a huge number", b"1" * 5000, JSON, {}),
    ("null", b"null", JSON, {}),
    ("NaN", b'{"email": NaN, "password": NaN, "token": NaN, "is_active": NaN}', JSON, {}),
    ("infinity", b'{"email": Infinity, "password": -Infinity, "token": Infinity}', JSON, {}),
    ("deep lists", b"[" * 20_000, JSON, {}),
    ("deep objects", b'{"email":' * 20_000, JSON, {}),
    ("closed deep lists", b"[" * 20_000 + b"]" * 20_000, JSON, {}),
    ("not UTF-8", b'{"email": "\xff\xfe@camelot.bt", "token": "\xff"}', JSON, {}),
    ("a byte order mark", b"\xff\xfe", JSON, {}),
    ("another charset", b'{"email": 1}', "application/json; charset=bz2_codec", {}),
    ("an unknown charset", b'{"email": 1}', "application/json; charset=nonsense", {}),
    (
        "NUL",
        b'{"email": "a\\u0000@camelot.bt", "password": "correct\\u0000horse-9", "token": "a\\u0000"}',
        JSON,
        {},
    ),
    (
        "a lone surrogate",
        b'{"email": "\\ud800@camelot.bt", "password": "\\udfffcorrect-horse-9", "token": "\\ud800"}',
        JSON,
        {},
    ),
    ("a surrogate in the domain", b'{"email": "a@\\ud800.bt", "password": "\\ud800", "token": "\\udc00."}', JSON, {}),
    ("wrong types", b'{"email": {}, "password": [], "token": 1, "is_active": "?", "is_superuser": {}}', JSON, {}),
    ("nulls", b'{"email": null, "password": null, "token": null, "is_active": "?"}', JSON, {}),
    ("no address", json.dumps({"email": "a" * 10_000, "password": 1, "token": 1}).encode(), JSON, {}),
    ("many problems", b'{"email": "a@' + b"a." * 200 + b'bt", "password": false, "token": []}', JSON, {}),
    ("repeated keys", b'{"email": "a@camelot.bt", "email": 1, "password": 1, "token": "a", "token": 2}', JSON, {}),
    ("3 MB", b'{"email": "' + b"a" * 3_000_000 + b'"}', JSON, {}),
    ("3 MB of a form", b"username=" + b"a" * 3_000_000, FORM, {}),
    ("3 MB of multipart", b"--frontier\r\n" + b"a" * 3_000_000, MULTIPART, {}),
    ("an odd length", b'{"email": 1}', JSON, {"Content-Length": "x"}),
    ("XML", b"<email/>", "application/xml", {}),
    ("text", b'{"email": "a@camelot.bt"}', "text/plain", {}),
    ("an odd type", b"x", "a" * 5000, {}),
    ("a type without a name", b"x", "/", {}),
    ("a form", b"email=a%40camelot.bt", FORM, {}),
    ("a form that is not UTF-8", b"username=%ff%fe&password=%00", FORM, {}),
    ("a form with NUL", b"username=a%00&password=b%00", FORM, {}),
    ("a form in another charset", b"username=a", FORM + "; charset=zip", {}),
    ("a form with too many fields", b"&".join(b"a%d=1" % number for number in range(2000)), FORM, {}),
    ("a form of separators", b"&" * 5000, FORM, {}),
    ("multipart without a boundary", b"x", "multipart/form-data", {}),
    ("multipart with an odd boundary", b"x", "multipart/form-data; boundary=" + "x" * 500, {}),
    ("multipart of nothing", b"--frontier--\r\n", MULTIPART, {}),
    ("multipart cut off", b'--frontier\r\nContent-Disposition: form-data; name="username"\r\n\r\na', MULTIPART, {}),
    (
        "multipart with a file",
        b'--frontier\r\nContent-Disposition: form-data; name="username"; filename="a"\r\n\r\nb\r\n--frontier--\r\n',
        MULTIPART,
        {},
    ),
    ("bad base64 in multipart", b"--frontier\r\nContent-Transfer-Encoding: base64\r\n\r\n\xff", MULTIPART, {}),
]
PUBLIC = [
    "/auth/register",
    "/auth/jwt/login",
    "/auth/cookie/login",
    "/auth/forgot-password",
    "/auth/reset-password",
    "/auth/request-verify-token",
    "/auth/verify",
]
OTHER_PATHS = [
    "/auth",
    "/auth/",
    "/auth/jwt",
    "/auth/nothing",
    "/auth/%00",
    "/auth/%ff",
    "/auth//register",
    "/users",
    "/users/",
    "/auth/nothing/",
    "/users//",
    "/users/me/x/",
    "/users/me/x",
    "/users/a/b",
]
ODD_IDS = [
    "nobody",
    "%00",
    "%ff",
    "%ed%a0%80",
    "1",
    "-1",
    "{}",
    "é",
    "x" * 5000,
    "00000000-0000-0000-0000-000000000000",
]


@pytest.fixture
def token(client: FastAPIUsers) -> str:
    """A superuser's token, so that nothing is refused because of a missing role."""
    from accounts.models import User

    client.register(EMAIL)
    User.objects.update(is_superuser=True)
    return client.token(EMAIL)


@pytest.mark.parametrize(("body", "type", "headers"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
def test_bodies(client: FastAPIUsers, token: str, rows: Any, body: bytes, type: str, headers: dict[str, str]) -> None:
    before = rows()
    for path in PUBLIC:
        answer = client.send("POST", path, data=body, content_type=type, headers=headers)
        assert 400 <= answer.status_code < 500, (path, answer.status_code, answer.content)
    bearer = {"Authorization": f"Bearer {token}"}
    for path in ("/users/me", f"/users/{client.me(token).json()['id']}"):
        answer = client.send("PATCH", path, data=body, content_type=type, headers=headers | bearer)
        assert 400 <= answer.status_code < 500, (path, answer.status_code, answer.content)
    assert rows() == before
    assert client.me(token).json()["email"] == EMAIL


@pytest.mark.parametrize("path", OTHER_PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "NONSENSE"])
def test_unknown_paths(client: FastAPIUsers, method: str, path: str) -> None:
    answer = client.send(method, path)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


@pytest.mark.parametrize("path", [*PUBLIC, "/auth/jwt/logout", "/auth/cookie/logout", "/users/me", "/users/x"])
@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE", "NONSENSE", "HEAD"])
def test_wrong_methods(client: FastAPIUsers, token: str, method: str, path: str) -> None:
    answer = client.send(method, path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 405
    assert answer.headers["Allow"]


@pytest.mark.parametrize("id", ODD_IDS)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_odd_ids(client: FastAPIUsers, token: str, rows: Any, method: str, id: str) -> None:
    before = rows()
    extra: dict[str, Any] = {"data": "{}", "content_type": JSON} if method == "PATCH" else {}
    answer = client.send(method, f"/users/{id}", headers={"Authorization": f"Bearer {token}"}, **extra)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
    assert rows() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer é"},
        {"Authorization": "Bearer " + "x" * 10_000},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."},
        {"Cookie": "fastapiusersauth=é; fastapiusersauth"},
        {"Cookie": "fastapiusersauth=" + "x" * 5000},
        {"Cookie": ";;;=;"},
        {"Cookie": 'fastapiusersauth="\\000"'},
        {"Origin": "\x7f"},
    ],
)
def test_odd_credentials(client: FastAPIUsers, rows: Any, headers: dict[str, str]) -> None:
    before = rows()
    for method, path in (("GET", "/users/me"), ("POST", "/auth/jwt/logout"), ("POST", "/auth/cookie/logout")):
        answer = client.send(method, path, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"detail": "Unauthorized"})
    assert rows() == before


@pytest.mark.parametrize(
    "headers", [{"Accept": "text/html"}, {"Accept": "x"}, {"Accept-Language": "x" * 5000}, {"Accept": "a/b," * 3000}]
)
def test_odd_wishes(client: FastAPIUsers, headers: dict[str, str]) -> None:
    for path in ("/users/me", "/users/me?format=xml"):
        answer = client.send("GET", path, headers=headers)
        assert (answer.status_code, answer.headers["Content-Type"]) == (401, JSON)
