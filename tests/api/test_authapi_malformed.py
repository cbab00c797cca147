"""Bad input at every operation of the AuthApi: 4xx as JSON in DRF's shape, and no row is written."""

from typing import Any

import pytest

from tests.api.malformed import BAD_VALUES, CORPUS, Malformed, with_value
from tests.clients.authapi import AuthApi

pytestmark = pytest.mark.django_db

BODIES: dict[str, dict[str, Any]] = {
    "login/": {"username": "alice", "password": "wrong-horse-9"},
    "login/code/": {"email": "alice@example.org"},
    "login/code/confirm/": {"email": "alice@example.org", "code": "000000"},
    "password/reset/": {"email": "alice@example.org"},
    "password/reset/confirm/": {
        "uid": "x",
        "token": "x",
        "new_password1": "long-horse-9",
        "new_password2": "long-horse-9",
    },
    "registration/": {
        "username": "bob",
        "email": "bob@example.org",
        "password1": "long-horse-9",
        "password2": "long-horse-9",
    },
    "registration/resend-email/": {"email": "alice@example.org"},
    "registration/verify-email/": {"key": "x"},
    "token/refresh/": {"refresh": "x"},
    "token/verify/": {"token": "x"},
    "password/change/": {"old_password": "x", "new_password1": "long-horse-9", "new_password2": "long-horse-9"},
}


# Empty bodies, or bodies whose content is not read.
WELCOME_WHERE_NONE_IS_MEANT = {"no body", "unknown fields alone", "unknown charset", "multipart without an end"}


def assert_refused(answer: Any, status: int) -> None:
    assert answer.status_code == status, answer.content[:300]
    assert answer.headers["Content-Type"] == "application/json"
    said = answer.json()
    if "detail" in said:
        assert isinstance(said["detail"], str)
        assert isinstance(said["code"], str)
    else:
        assert said
        assert all(isinstance(messages, list) and messages for messages in said.values())


@pytest.mark.parametrize("malformed", CORPUS, ids=lambda malformed: malformed.name)
@pytest.mark.parametrize("path", [*BODIES, "user/"])
def test_malformed_bodies(api: AuthApi, alice: Any, rows: Any, path: str, malformed: Malformed) -> None:
    before = rows()
    request = {**malformed.request(), "headers": {"Authorization": f"Bearer {alice['access']}"}}
    method = "PUT" if path == "user/" else "POST"
    assert_refused(api.send(method, f"/api/auth/{path}", **request), malformed.status)
    assert rows() == before


@pytest.mark.parametrize(
    "malformed",
    [each for each in CORPUS if each.name not in WELCOME_WHERE_NONE_IS_MEANT],
    ids=lambda malformed: malformed.name,
)
def test_malformed_bodies_where_none_is_meant(api: AuthApi, alice: Any, rows: Any, malformed: Malformed) -> None:
    before = rows()
    request = {**malformed.request(), "headers": {"Authorization": f"Bearer {alice['access']}"}}
    answer = api.send("POST", "/api/auth/logout/", **request)
    assert_refused(answer, malformed.status)
    assert rows() == before


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, body in BODIES.items() for name in body])
@pytest.mark.parametrize("value", [value for _, value in BAD_VALUES], ids=[name for name, _ in BAD_VALUES])
def test_bad_values(api: AuthApi, alice: Any, rows: Any, path: str, name: str, value: Any) -> None:
    before = rows()
    answer = api.send(
        "POST",
        f"/api/auth/{path}",
        data=with_value(BODIES[path], name, value),
        content_type="application/json",
        headers={"Authorization": f"Bearer {alice['access']}"},
    )
    assert_refused(answer, 400)
    assert rows() == before


@pytest.mark.parametrize("path", [*BODIES, "logout/"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE"])
def test_wrong_methods(api: AuthApi, alice: Any, rows: Any, path: str, method: str) -> None:
    before = rows()
    answer = api.send(method, f"/api/auth/{path}", headers={"Authorization": f"Bearer {alice['access']}"})
    assert_refused(answer, 405)
    assert rows() == before


@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api/auth/",
        "/api/auth/nothing/",
        "/api/auth/login//",
        "/api/auth/nothing",
        "/api/auth/users/%00/",
        "/nothing",
        "/%ff",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_paths(api: AuthApi, db: Any, rows: Any, path: str, method: str) -> None:
    before = rows()
    assert_refused(api.send(method, path), 404)
    assert rows() == before


def test_unknown_host(api: AuthApi, alice: Any) -> None:
    assert_refused(api.send("GET", "/api/auth/user/", headers={"Host": "evil.test"}), 400)


def test_unknown_fields_beside_good_ones_are_ignored(api: AuthApi, alice: Any) -> None:
    answer = api.call("POST", "login/", {"username": "alice", "password": "correct-horse-9", "nonsense": "1"})
    assert answer.status_code == 200


def test_the_reason_of_a_surrogate(api: AuthApi) -> None:
    body = b'{"token": "\xd1\x82\\ud800"}'
    answer = api.send("POST", "/api/auth/token/verify/", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json() == {"token": ["Surrogate characters are not allowed: U+D800."]}
