"""A page of another origin calls all three dialects in a real browser, if its origin is listed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests import processes
from tests.clients.authapi import PASSWORD, AuthApi
from tests.servers import free_port, wait_for_port
from tests.threads import in_thread

pytestmark = pytest.mark.django_db(transaction=True)
SCRIPT = """
async ({server, password}) => {
  const send = async (path, body, token, method = "POST") => {
    const headers = {"Content-Type": "application/json"};
    if (token) headers.Authorization = `Bearer ${token}`;
    const answer = await fetch(server + path, {method, headers, body: body && JSON.stringify(body)});
    const text = await answer.text();
    return {status: answer.status, id: answer.headers.get("X-Request-ID"), body: text && JSON.parse(text)};
  };
  try {
    const login = await send("/api/auth/login/", {username: "alice", password});
    const refused = await send("/api/auth/login/", {username: "alice", password: "wrong-horse-9"});
    const renamed = await send("/api/auth/user/", {username: "alice2"}, login.body.access, "PATCH");
    const me = await send("/graph/query", {query: "{ me { username } }"}, login.body.access);
    const form = new URLSearchParams({username: "alice@example.org", password});
    const fastapi = await fetch(server + "/auth/jwt/login", {method: "POST", body: form});
    const keys = await fetch(server + "/.well-known/jwks.json");
    return {
      statuses: [login.status, refused.status, renamed.status, me.status, fastapi.status, keys.status],
      name: me.body.data.me.username,
      ids: [login, refused, renamed, me].every((answer) => answer.id),
    };
  } catch (error) {
    return String(error);
  }
}
"""


@contextmanager
def page_of_another_origin(chromium: Any) -> Iterator[tuple[str, Any]]:
    """An empty page on a host of its own: its origin, and the page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with in_thread(server):
        origin = f"http://localhost:{server.server_port}"
        page = chromium.new_page()
        page.goto(origin)
        yield origin, page
        page.close()


@pytest.mark.parametrize("is_listed", [True, False])
def test_calls_from_another_origin(chromium: Any, api: AuthApi, is_listed: bool) -> None:
    api.register("alice")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with page_of_another_origin(chromium) as (origin, page):
        allowed = origin if is_listed else "https://app.example.org"
        with processes.web_server(port, WEB_CONCURRENCY="1", PUBLIC_URL=address, CORS_ALLOWED_ORIGINS=allowed):
            wait_for_port(port)
            said = page.evaluate(SCRIPT, {"server": address, "password": PASSWORD})
    if is_listed:
        assert said == {"statuses": [200, 400, 200, 200, 200, 200], "name": "alice2", "ids": True}, json.dumps(said)
    else:
        assert said == "TypeError: Failed to fetch"


COOKIE_SCRIPT = """
async ({server, password}) => {
  const send = (path, body, token) => fetch(server + path, {
    method: "POST", credentials: "include", body: JSON.stringify(body),
    headers: {"Content-Type": "application/json", ...(token && {Authorization: `Bearer ${token}`})},
  });
  const login = await (await send("/api/auth/login/", {username: "alice", password})).json();
  const refreshed = await send("/api/auth/token/refresh/", {});
  const {access, refresh} = await refreshed.json();
  const out = await send("/api/auth/logout/", {}, access);
  const after = await send("/api/auth/token/refresh/", {});
  return [login.refresh, refreshed.status, refresh, out.status, after.status, document.cookie];
}
"""


def test_the_refresh_token_in_a_cookie(chromium: Any, api: AuthApi) -> None:
    api.register("alice")
    port = free_port()
    # The same site as the page: the cookie is SameSite=Strict.
    address = f"http://localhost:{port}"
    with page_of_another_origin(chromium) as (origin, page):
        settings = {"PUBLIC_URL": address, "CORS_ALLOWED_ORIGINS": origin, "REFRESH_COOKIE": "on"}
        with processes.web_server(port, WEB_CONCURRENCY="1", **settings):
            wait_for_port(port)
            said = page.evaluate(COOKIE_SCRIPT, {"server": address, "password": PASSWORD})
    assert said == ["", 200, "", 200, 400, ""]
