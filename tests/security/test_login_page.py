"""Any bad post to the login page is answered by a page, and starts no session."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Session
from tests.clients.authapi import PASSWORD, AuthApi
from tests.provider import Issuer

pytestmark = pytest.mark.django_db
VALUES = ["", "x", "\0", "é" * 100, "x" * 200_000, "[" * 50_000, '{"id": 1}', "[]", "null", "../x"]
FIELDS = {
    "/login": ("name", "password", "next"),
    "/login/code": ("email", "code", "next"),
    "/login/second-factor": ("challenge", "code", "credential", "state"),
    "/login/passkey": ("credential", "state"),
    "/login/out": ("next",),
}


@pytest.mark.parametrize("path", FIELDS)
@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value[:9]))
def test_fields(path: str, value: str) -> None:
    http = Client(raise_request_exception=False)
    fields = FIELDS[path]
    for wrong in (*fields, None):
        body = {name: value if wrong in (name, None) else "1" for name in fields}
        answer = http.post(path, body)
        assert answer.status_code in (200, 303, 400, 429), (wrong, answer.status_code)
        assert "Content-Security-Policy" in answer.headers
    assert Session.objects.count() == 0


@pytest.mark.parametrize("cookie", ["x", "[]", '["a"]', "null", "[" * 4000])
def test_cookies(cookie: str, settings: Any) -> None:
    http = Client(raise_request_exception=False)
    http.cookies["login-binding"] = cookie
    http.cookies["fastapiusersauth"] = cookie
    assert http.get("/login").status_code == 200
    assert http.get("/login/provider/acme").status_code == 400
    answer = http.get("/login/provider/acme/callback?code=x&state=y")
    assert (answer.status_code, b"There is no such provider." in answer.content) == (400, True)


def test_methods() -> None:
    http = Client(raise_request_exception=False)
    for path in ("/login/passkey", "/login/second-factor", "/login/out"):
        assert http.get(path).status_code == 405
    assert http.post("/login/provider/acme").status_code == 405


def test_who_guesses_is_stopped(api: AuthApi) -> None:
    api.register("alice")
    http = Client()
    answers = [http.post("/login", {"name": "alice", "password": "wrong-horse-9"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [400] * 10 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert Session.objects.count() == 1


def test_a_provider_that_is_away(settings: Any) -> None:
    settings.SOCIAL_PROVIDERS = [Issuer(port=1).entry()]
    answer = Client().get("/login/provider/acme")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert b"The provider does not answer. Try again later, or log in another way." in answer.content


def test_the_cookie(api: AuthApi) -> None:
    api.register("alice")
    answer = Client().post("/login", {"name": "alice", "password": PASSWORD})
    cookie = answer.cookies["fastapiusersauth"]
    flags = {name: cookie[name] for name in ("httponly", "secure", "samesite", "path", "max-age")}
    assert flags == {"httponly": True, "secure": True, "samesite": "lax", "path": "/", "max-age": 3600}
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("language", ["en", "ru", "uk"])
def test_languages(language: str) -> None:
    page = Client().get("/login", headers={"Accept-Language": language}).content.decode()
    words = {"en": "Other ways", "ru": "Другие способы", "uk": "Інші способи"}
    assert f'<html lang="{language}">' in page
    assert words[language] in page
