"""REFRESH_COOKIE=on: the AuthApi's refresh token in a cookie that no script can read."""

from typing import Any

import pytest
from django.test import Client

from accounts.api.authapi.refresh_cookie import NAME
from accounts.models import Session
from tests.clients.authapi import PASSWORD, AuthApi

pytestmark = pytest.mark.django_db
APP = "https://app.example.org"


@pytest.fixture(autouse=True)
def _on(settings: Any) -> None:
    settings.REFRESH_COOKIE = "on"
    settings.CORS_ALLOWED_ORIGINS = [APP]
    settings.MIDDLEWARE = ["accounts.ops.cors.CorsMiddleware", *settings.MIDDLEWARE]


def refresh(api: AuthApi, body: dict[str, Any] | None = None, **headers: str) -> Any:
    return api.call("POST", "token/refresh/", {} if body is None else body, headers=headers)


def test_flags(api: AuthApi) -> None:
    answer = api.register("alice")
    assert (answer.status_code, answer.json()["refresh"]) == (201, "")
    cookie = answer.cookies[NAME]
    flags = {name: cookie[name] for name in ("path", "secure", "httponly", "samesite", "domain", "max-age")}
    assert flags == {
        "path": "/api/auth/token/",
        "secure": True,
        "httponly": True,
        "samesite": "Strict",
        "domain": "",
        "max-age": 30 * 24 * 3600,
    }
    assert len(cookie.OutputString()) < 4096


@pytest.mark.parametrize("body", [{}, {"refresh": ""}, {"refresh": None}])
def test_it_rotates(body: dict[str, Any], api: AuthApi) -> None:
    first = api.register("alice").cookies[NAME].value
    answer = refresh(api, body)
    assert (answer.status_code, answer.json()["refresh"]) == (200, "")
    assert api.user(answer.json()["access"]).status_code == 200
    assert answer.cookies[NAME].value not in ("", first)
    assert refresh(api, body).status_code == 200


def test_who_sends_a_token_in_a_body_gets_one_in_a_body(api: AuthApi) -> None:
    token = api.register("alice").cookies[NAME].value
    api.http = Client()
    answer = refresh(api, {"refresh": token})
    assert answer.status_code == 200
    assert answer.json()["refresh"] not in ("", token)
    assert NAME not in answer.cookies


def test_without_a_token_of_either_kind(api: AuthApi) -> None:
    answer = refresh(api)
    assert (answer.status_code, answer.json()) == (400, {"refresh": ["This field is required."]})


@pytest.mark.parametrize("origin", ["https://evil.example.org", "null", "http://app.example.org"])
def test_a_page_of_a_foreign_origin(origin: str, api: AuthApi) -> None:
    api.register("alice")
    before = Session.objects.values().get()
    answer = refresh(api, Origin=origin)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert Session.objects.values().get() == before


@pytest.mark.parametrize("origin", [APP, "http://testserver"])
def test_a_page_of_an_origin_that_is_let_in(origin: str, api: AuthApi) -> None:
    api.register("alice")
    answer = refresh(api, Origin=origin)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "path", ["login/", "registration/", "token/refresh/", "logout/", "mfa/verify/", "passkeys/login/complete/"]
)
def test_browsers_may_send_credentials_where_the_cookie_is(path: str, settings: Any) -> None:
    headers = {"Origin": APP, "Access-Control-Request-Method": "POST"}
    for cookie, expected in (("on", "true"), ("off", None)):
        settings.REFRESH_COOKIE = cookie
        answer = Client().options(f"/api/auth/{path}", headers=headers)
        assert answer.headers["Access-Control-Allow-Origin"] == APP
        assert answer.headers.get("Access-Control-Allow-Credentials") == expected
    settings.REFRESH_COOKIE = "on"
    assert "Access-Control-Allow-Credentials" not in Client().options("/api/auth/user/", headers=headers).headers


def test_log_out(api: AuthApi) -> None:
    access = api.register("alice").json()["access"]
    answer = api.call("POST", "logout/", token=access)
    cookie = answer.cookies[NAME]
    assert (answer.status_code, cookie.value, cookie["max-age"], cookie["path"]) == (200, "", 0, "/api/auth/token/")


def test_a_login_that_is_repeated(api: AuthApi) -> None:
    api.register("alice")
    key = {"Idempotency-Key": "one-login"}
    login = {"username": "alice", "password": PASSWORD}
    answers = [api.call("POST", "login/", login, headers=key) for _ in range(2)]
    assert [answer.json()["refresh"] for answer in answers] == ["", ""]
    tokens = {answer.cookies[NAME].value for answer in answers}
    assert len(tokens) == 1
    assert tokens != {""}


def test_where_it_is_off_the_cookie_does_not_count(api: AuthApi, settings: Any) -> None:
    api.register("alice")
    settings.REFRESH_COOKIE = "off"
    assert refresh(api).status_code == 400
    answer = api.login("alice")
    assert answer.json()["refresh"] != ""
    assert NAME not in answer.cookies
