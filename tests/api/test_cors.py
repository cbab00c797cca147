"""Which pages of other origins may call what (CORS_ALLOWED_ORIGINS)."""

from typing import Any

import pytest
from django.test import Client

from tests.clients.authapi import AuthApi
from tests.clients.durudex import Durudex
from tests.clients.fastapi_users import FastAPIUsers
from tests.statements import Statements

pytestmark = pytest.mark.django_db
APP = "https://app.example.org"
OTHERS = [
    "https://evil.example.org",
    "http://app.example.org",
    "https://app.example.org:8443",
    "null",
    "nonsense",
    "http://[",
]
PATHS = {
    "/api/auth/login/": "POST",
    "/api/auth/user": "PATCH",
    "/api/schema/": "GET",
    "/api/auth/schema/": "GET",
    "/auth/jwt/login": "POST",
    "/users/me": "PATCH",
    "/graph/query": "POST",
    "/graph/v1/query": "POST",
    "/openapi.json": "GET",
    "/.well-known/jwks.json": "GET",
}


@pytest.fixture(autouse=True)
def _allowed(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [APP]
    settings.MIDDLEWARE = ["accounts.ops.cors.CorsMiddleware", *settings.MIDDLEWARE]


def preflight(path: str, origin: str, method: str = "POST") -> Any:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return Client().options(path, headers=headers)


def said(answer: Any) -> dict[str, str]:
    return {name.lower(): it for name, it in answer.headers.items() if name.lower().startswith("access-control-")}


@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_is_answered_without_the_database(path: str) -> None:
    with Statements() as statements:
        answer = preflight(path, APP, PATHS[path])
    assert len(statements) == 0
    assert (answer.status_code, answer.content) == (200, b"")
    headers = said(answer)
    assert headers["access-control-allow-origin"] == APP
    assert PATHS[path] in headers["access-control-allow-methods"].split(", ")
    assert {"authorization", "content-type"} <= set(headers["access-control-allow-headers"].split(", "))
    assert "Origin" in answer.headers["Vary"].title().split(", ")


@pytest.mark.parametrize("path", ["/auth/jwt/login", "/api/auth/login/", "/graph/query", "/openapi.json"])
def test_credentials_are_allowed_only_where_the_dialect_has_a_cookie(path: str) -> None:
    assert "access-control-allow-credentials" not in said(preflight(path, APP))
    for with_cookie in ("/auth/cookie/login", "/auth/cookie/logout", "/users/me"):
        assert said(preflight(with_cookie, APP))["access-control-allow-credentials"] == "true"
        assert said(preflight(with_cookie, OTHERS[0])) == {}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", OTHERS)
def test_no_other_origin_is_told_anything(path: str, origin: str) -> None:
    assert said(preflight(path, origin)) == {}
    assert said(Client().get(path, headers={"Origin": origin})) == {}


@pytest.mark.parametrize("path", ["/nothing", "/api/auth/nothing/", "/auth/nothing", "/graph/nothing", "/users"])
def test_a_path_that_is_not_there(path: str) -> None:
    answer = preflight(path, APP)
    assert (answer.status_code, said(answer)) == (404, {})


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/verify-email", "/api/docs/"])
def test_pages_are_nobody_elses(path: str) -> None:
    assert said(preflight(path, APP)) == {}
    assert said(Client().get(path, headers={"Origin": APP})) == {}


def test_answers_and_refusals_of_all_dialects(alice: Any, settings: Any) -> None:
    settings.LIMITS = settings.LIMITS | {"RESETS_PER_IP": 1}
    api = AuthApi(Origin=APP)
    answers = [
        api.login("alice"),
        api.login("alice", "wrong-horse-9"),
        api.user("nonsense"),
        api.reset("alice@example.org"),
        api.reset("alice@example.org"),
        Durudex(Origin=APP).login("alice"),
        FastAPIUsers(Origin=APP).login("alice@example.org"),
    ]
    assert [answer.status_code for answer in answers] == [200, 400, 401, 200, 429, 200, 200]
    expected = {"access-control-allow-origin": APP, "access-control-expose-headers": "X-Request-ID, Retry-After"}
    assert [said(answer) for answer in answers] == [expected] * 7
    assert "Retry-After" in answers[4].headers


def test_the_cookie_of_another_origins_page(alice: Any) -> None:
    client = FastAPIUsers()
    cookie = client.cookie_login("alice@example.org").cookies["fastapiusersauth"].value
    for origin, status in ((OTHERS[0], 403), ("null", 403), (APP, 204)):
        headers = {"Origin": origin, "Cookie": f"fastapiusersauth={cookie}"}
        assert Client().post("/auth/cookie/logout", headers=headers).status_code == status


def test_it_is_off_until_it_is_set(settings: Any) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Cors" not in name]
    answer = Client().get("/openapi.json", headers={"Origin": APP})
    assert (said(answer), "origin" in answer.headers["Vary"].lower()) == ({}, False)
