"""Row 68 of the security list: the protecting headers of every answer, with any status, at every door."""

from typing import Any

import pytest
from django.test import Client

from tests.clients.authapi import AuthApi

pytestmark = pytest.mark.django_db
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
ADMIN = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
# Method, path, status, and the beginning of the policy.
ANSWERS = [
    ("GET", "/", 200, "default-src 'none'; style-src 'self'"),
    ("GET", "/verify-email?key=x", 200, "default-src 'none'; style-src 'self'"),
    ("POST", "/verify-email", 400, "default-src 'none'; style-src 'self'"),
    ("PUT", "/verify-email", 405, "default-src 'none'; style-src 'self'"),
    ("GET", "/api/docs/", 200, "default-src 'self'"),
    ("GET", "/api/redoc/", 200, "default-src 'self'"),
    ("GET", "/graph/", 200, "default-src 'none'; script-src 'self'"),
    ("GET", "/api/schema/", 200, NOTHING),
    ("GET", "/openapi.json", 200, NOTHING),
    ("GET", "/.well-known/jwks.json", 200, NOTHING),
    ("GET", "/api/auth/user/", 401, NOTHING),
    ("POST", "/api/auth/login/", 400, NOTHING),
    ("TRACE", "/api/auth/login/", 405, NOTHING),
    ("GET", "/users/me", 401, NOTHING),
    ("POST", "/auth/jwt/login", 422, NOTHING),
    ("TRACE", "/auth/jwt/login", 405, NOTHING),
    ("POST", "/graph/query", 400, NOTHING),
    ("TRACE", "/graph/query", 400, NOTHING),
    ("GET", "/nowhere", 404, NOTHING),
    ("GET", "/admin/", 302, ADMIN),
    ("GET", "/admin/login/", 200, ADMIN),
    ("GET", "/admin/logout/", 405, ADMIN),
    ("GET", "/admin/nowhere/", 302, ADMIN),
]

KEPT = {"/api/docs/", "/api/redoc/", "/graph/", "/api/schema/", "/openapi.json", "/.well-known/jwks.json"}


@pytest.mark.parametrize(("method", "path", "status", "policy"), ANSWERS, ids=[f"{one[0]} {one[1]}" for one in ANSWERS])
def test_headers_of_every_kind_of_answer(method: str, path: str, status: int, policy: str) -> None:
    answer = Client().generic(method, path)
    assert answer.status_code == status
    headers = answer.headers
    assert headers["Content-Security-Policy"].startswith(policy)
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe-eval" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    kept = path in KEPT
    assert headers["Cache-Control"] == "public, max-age=300" if kept else "no-store" in headers["Cache-Control"]
    assert "Server" not in headers
    assert "X-Powered-By" not in headers


def test_no_script_runs_that_is_not_a_file_of_ours() -> None:
    for _method, path, _status, policy in ANSWERS:
        whole = Client().get(path).headers["Content-Security-Policy"]
        directives = dict(one.strip().split(" ", 1) for one in whole.split(";"))
        assert directives.get("script-src", directives["default-src"]) in ("'self'", "'none'"), (path, policy)


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/login/", "/admin/logout/", "/admin/jsi18n/", "/admin/nowhere/", "/admin/accounts/user/"]
)
def test_no_answer_of_the_admin_is_kept(path: str, admin_browser: Client) -> None:
    for browser in (Client(), admin_browser):
        for method in ("get", "post", "head"):
            assert getattr(browser, method)(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api/nowhere", "/api/auth/nowhere/", "/graph/nowhere", "/.env", "/.git/config"]
)
def test_an_unknown_path_is_told_as_json(path: str) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found.", "code": "not_found"})


def test_debug_is_off() -> None:
    from config import settings

    assert settings.DEBUG is False


def test_a_failure_has_the_headers_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError("secret detail of the database")

    monkeypatch.setattr("accounts.services.keys.public_keys", fail)
    answer = Client(raise_request_exception=False).get("/.well-known/jwks.json")
    assert (answer.status_code, answer.json()["code"]) == (500, "error")
    assert b"secret" not in answer.content
    assert answer.headers["Content-Security-Policy"] == NOTHING
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.fixture
def admin_browser(api: AuthApi) -> Client:
    from accounts.models import User
    from tests.clients.authapi import PASSWORD

    api.register("root")
    User.objects.update(is_staff=True, is_superuser=True)
    client = Client()
    client.post("/admin/login/", {"username": "root", "password": PASSWORD})
    return client
