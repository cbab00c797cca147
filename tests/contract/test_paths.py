"""Each path of the AuthApi, of Durudex and of the pages works with and without a slash at its end."""

from typing import Any

import pytest
from django.test import Client

from tests import openapi
from tests.clients.authapi import AuthApi

pytestmark = pytest.mark.django_db
ID = "5b0d3c5e-6a53-4d0c-8d4e-5d0f3a0c1b2a"
QUERY = '{"query": "{ __typename }"}'


def answers(method: str, path: str, **extra: Any) -> list[Any]:
    """The answers to both spellings: status, type and body."""
    right, other = path, path.removesuffix("/") if path.endswith("/") else path + "/"
    sent = [Client().generic(method, spelling, **extra) for spelling in (right, other)]
    return [(answer.status_code, answer.headers.get("Content-Type"), answer.content) for answer in sent]


@pytest.mark.parametrize("with_token", [False, True])
def test_authapi(alice: Any, with_token: bool) -> None:
    headers = {"Authorization": f"Bearer {alice['access']}"} if with_token else {}
    operations = [
        (method.upper(), path.replace("{id}", ID).replace("{provider}", "acme"))
        for path, methods in openapi.document()["paths"].items()
        if path.startswith("/api/auth/")
        for method in methods
    ]
    # They end the session.
    operations.remove(("POST", "/api/auth/logout/"))
    operations.remove(("DELETE", "/api/auth/account/"))
    # They make another secret or challenge each time.
    operations.remove(("GET", "/api/auth/mfa/totp/activate/"))
    operations.remove(("POST", "/api/auth/passkeys/register/begin/"))
    operations.remove(("POST", "/api/auth/passkeys/login/begin/"))
    assert len(operations) == 38
    for method, path in operations:
        first, second = answers(method, path, data="{}", content_type="application/json", headers=headers)
        assert first == second, (method, path)


def test_authapi_works_without_slashes(api: AuthApi, alice: Any) -> None:
    login = api.call("POST", "login", {"username": "alice", "password": "correct-horse-9"})
    assert login.status_code == 200
    token = login.json()["access"]
    assert api.call("GET", "user", token=token).json()["username"] == "alice"
    (session,) = [one for one in api.call("GET", "sessions", token=token).json()["results"] if not one["is_current"]]
    assert api.call("DELETE", f"sessions/{session['id']}", token=token).status_code == 204
    assert api.call("POST", "logout", token=token).status_code == 200
    assert api.call("GET", "user", token=token).status_code == 401


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/", "/api/redoc/", "/graph/"])
def test_documents(path: str) -> None:
    first, second = answers("GET", path)
    # Swagger UI names its script by the path of the page.
    assert first[:2] == second[:2]
    assert first[0] == 200


@pytest.mark.parametrize("path", ["/graph/query", "/graph/v1/query"])
def test_graphql(path: str) -> None:
    first, second = answers("POST", path, data=QUERY, content_type="application/json")
    assert first == second
    assert (first[0], first[2]) == (200, b'{"data": {"__typename": "Query"}}')


@pytest.mark.parametrize("path", ["/verify-email", "/reset-password", "/not-registered", "/not-me"])
def test_pages(path: str) -> None:
    first, second = answers("GET", path)
    assert first == second
    assert first[0] == 200
