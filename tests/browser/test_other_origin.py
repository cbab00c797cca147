"""A page of another origin calls all three dialects in a real browser, if its origin is listed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests import processes
from tests.clients.authapi import PASSWORD, AuthApi
from tests.servers import free_port, wait_for_port

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

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever).start()
        origin = f"http://localhost:{server.server_port}"
        page = chromium.new_page()
        page.goto(origin)
        yield origin, page
        page.close()
        server.shutdown()


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
