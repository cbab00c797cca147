"""Bodies with and without a length (chunked), as the real server reads them."""

import http.client
import json
import re
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from tests import processes
from tests.administrators import add_root
from tests.clients.authapi import PASSWORD, AuthApi
from tests.servers import free_port, wait_for_port

pytestmark = pytest.mark.django_db(transaction=True)
MOST = 1_048_576
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
# Long enough that it does not arrive in one piece.
PIECE = 50_000
LOGIN = {"username": "alice", "password": PASSWORD}
SIGN_IN = {"query": f'mutation {{ signIn(input: {{username: "alice", password: "{PASSWORD}"}}) {{ access }} }}'}


@dataclass
class Server:
    port: int

    def send(self, method: str, path: str, type: str, body: bytes, *, chunked: bool = True, **headers: str) -> Any:
        """The answer to one request: status, headers and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        pieces = (body[start : start + PIECE] for start in range(0, len(body), PIECE))
        try:
            connection.request(method, path, pieces if chunked else body, {"Content-Type": type, **headers})
        except (BrokenPipeError, ConnectionResetError):
            # A body that is too large is not read to its end.
            assert len(body) > MOST
        with closing(connection), connection.getresponse() as answer:
            return answer.status, answer.headers, answer.read().decode()

    def post(self, path: str, type: str, body: bytes, **options: Any) -> tuple[int, Any]:
        status, headers, text = self.send("POST", path, type, body, **options)
        return status, json.loads(text) if headers["Content-Type"] == JSON else text

    def send_raw(self, raw: bytes) -> bytes:
        """The server's answer until it closes the connection. The client's side is closed after `raw`."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture
def server() -> Iterator[Server]:
    port = free_port()
    environment = {"WEB_CONCURRENCY": "1", "PUBLIC_URL": f"http://127.0.0.1:{port}", "RATE_LIMITS": "off"}
    with processes.web_server(port, **environment) as process:
        wait_for_port(port)
        yield Server(port)
        process.send_signal(signal.SIGTERM)
        code, said = processes.finish(process)
    assert code == 0, said
    # Input of a client is never an error of the server: the log has one line for each request and nothing else.
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert {(line["level"], line["message"]) for line in lines} == {("INFO", "request")}


def as_json(fields: dict[str, str]) -> bytes:
    return json.dumps(fields).encode()


def as_form(fields: dict[str, str]) -> bytes:
    return urlencode(fields).encode()


def as_multipart(fields: dict[str, str]) -> bytes:
    return encode_multipart(BOUNDARY, fields)


AUTHAPI = [(JSON, as_json), (FORM, as_form), (MULTIPART_CONTENT, as_multipart)]
FORMS = AUTHAPI[1:]


def test_a_body_without_a_length_is_read(server: Server, api: AuthApi) -> None:
    api.register("alice", "alice@example.org")
    for type, encoded in AUTHAPI:
        status, said = server.post("/api/auth/login/", type, encoded(LOGIN))
        assert (status, said["user"]["username"]) == (200, "alice")
    body = {"email": "bob@example.org", "password": PASSWORD}
    status, said = server.post("/auth/register", JSON, as_json(body))
    assert (status, said["email"]) == (201, "bob@example.org")
    for type, encoded in FORMS:
        status, said = server.post("/auth/jwt/login", type, encoded({**LOGIN, "username": "bob@example.org"}))
        assert (status, said["token_type"]) == (200, "bearer")
    status, said = server.post("/graph/query", JSON, as_json(SIGN_IN))
    assert (status, list(said["data"]["signIn"])) == (200, ["access"])


def test_a_body_without_a_length_is_read_on_pages_and_in_the_admin(server: Server, api: AuthApi) -> None:
    add_root()
    for type, encoded in FORMS:
        fields = {"token": "x", "password1": PASSWORD, "password2": "another"}
        status, page = server.post("/reset-password", type, encoded(fields))
        assert status == 400
        assert "The two password fields didn&#x27;t match." in page
        _status, headers, page = server.send("GET", "/admin/login/", FORM, b"")
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        fields = {"username": "root", "password": PASSWORD, "csrfmiddlewaretoken": token, "next": "/admin/"}
        cookie = headers["Set-Cookie"].partition(";")[0]
        status, headers, page = server.send("POST", "/admin/login/", type, encoded(fields), Cookie=cookie)
        assert (status, headers["Location"]) == (302, "/admin/")


def test_an_empty_body_without_a_length_is_an_empty_body(server: Server) -> None:
    assert server.post("/api/auth/login/", JSON, b"") == server.post("/api/auth/login/", JSON, b"", chunked=False)
    assert server.post("/auth/register", JSON, b"")[0] == 422
    assert server.post("/graph/query", JSON, b"")[0] == 400


@pytest.mark.parametrize("chunked", [True, False], ids=["without a length", "with a length"])
def test_the_limit(server: Server, api: AuthApi, chunked: bool) -> None:
    api.register("alice", "alice@example.org")
    by_address = {**LOGIN, "username": "alice@example.org"}
    cases: list[tuple[str, str, Callable[..., bytes], dict[str, str], int, int]] = [
        *(("/api/auth/login/", type, encoded, LOGIN, 200, 413) for type, encoded in AUTHAPI),
        *(("/auth/jwt/login", type, encoded, by_address, 200, 413) for type, encoded in FORMS),
        ("/auth/forgot-password", JSON, as_json, {"email": "nobody@example.org"}, 202, 413),
        ("/graph/query", JSON, as_json, SIGN_IN, 200, 400),
        *(("/reset-password/again", type, encoded, {"email": "x"}, 200, 413) for type, encoded in FORMS),
        # A form without the token of the cookie is refused once it is read.
        *(("/admin/login/", type, encoded, {}, 403, 413) for type, encoded in FORMS),
    ]
    for path, type, encoded, fields, read, refused in cases:
        padding = MOST - len(encoded({**fields, "padding": ""}))
        for more, expected in ((0, read), (1, refused), (3_000_000, refused)):
            body = encoded({**fields, "padding": "x" * (padding + more)})
            assert len(body) == MOST + more
            status, said = server.post(path, type, body, chunked=chunked, Cookie=f"csrftoken={'x' * 32}")
            assert status == expected, (path, type, more, said)
            if path.startswith("/graph/") and more:
                assert said["errors"][0]["message"] == "The body is too large."
            elif path.startswith("/auth/") and more:
                assert said == {"detail": "Content Too Large"}
            elif more:
                assert said == {"detail": "The body is too large.", "code": "body_too_large"}


BROKEN = {
    "size": b"xyz\r\n{}\r\n0\r\n\r\n",
    "negative size": b"-2\r\n{}\r\n0\r\n\r\n",
    "extension": b"2;=\r\n{}\r\n0\r\n\r\n",
    "end of a chunk": b"2\r\n{}{}\r\n0\r\n\r\n",
    "trailer": b"2\r\n{}\r\n0\r\nno trailer\r\n\r\n",
    "nothing at all": b"",
    "breaks off in a size": b"2",
    "breaks off in a chunk": b"5\r\n{",
    "breaks off between chunks": b"2\r\n{}\r\n",
    "breaks off before the end": b"2\r\n{}\r\n0\r\n",
}
UNREADABLE = [
    ("/api/auth/login/", JSON, {"detail": "The body cannot be read.", "code": "parse_error"}),
    ("/api/auth/login/", FORM, {"detail": "The body cannot be read.", "code": "parse_error"}),
    ("/api/auth/login/", MULTIPART_CONTENT, {"detail": "The body cannot be read.", "code": "parse_error"}),
    ("/auth/register", JSON, {"detail": "There was an error parsing the body"}),
    ("/auth/jwt/login", FORM, {"detail": "There was an error parsing the body"}),
    (
        "/graph/query",
        JSON,
        {"errors": [{"message": "The request cannot be read.", "extensions": {"code": "INVALID_ARGUMENT"}}]},
    ),
    ("/verify-email", FORM, {"detail": "The request cannot be read.", "code": "bad_request"}),
    ("/verify-email", MULTIPART_CONTENT, {"detail": "The request cannot be read.", "code": "bad_request"}),
    ("/admin/login/", FORM, {"detail": "The request cannot be read.", "code": "bad_request"}),
]


def head(method: str, path: str, *headers: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def statuses(said: bytes) -> list[bytes]:
    return re.findall(rb"HTTP/1\.1 (\d+)", said)


def test_broken_chunks(server: Server) -> None:
    headers = ("Transfer-Encoding: chunked", f"Cookie: csrftoken={'x' * 32}")
    for path, type, refusal in UNREADABLE:
        for name, chunks in BROKEN.items():
            request = head("POST", path, *headers, f"Content-Type: {type}") + chunks
            # After broken chunks the beginning of the next request is unknown, so the connection ends with the answer.
            following = b"" if name.startswith("breaks off") or not chunks else head("GET", "/.well-known/jwks.json")
            said = server.send_raw(request + following)
            where = (path, type, name, said)
            assert statuses(said) == [b"400"], where
            assert b"Content-Type: application/json\r\n" in said, where
            assert json.loads(said.partition(b"\r\n\r\n")[2]) == refusal, where


def test_the_next_request_on_the_connection(server: Server) -> None:
    post = head("POST", "/api/auth/login/", "Transfer-Encoding: chunked", f"Content-Type: {JSON}")
    following = head("GET", "/.well-known/jwks.json", "Connection: close")

    def chunks(size: int) -> bytes:
        return b"%x\r\n%s\r\n0\r\n\r\n" % (size, b" " * size)

    assert statuses(server.send_raw(post + chunks(10) + following)) == [b"400", b"200"]
    assert statuses(server.send_raw(post + b"0\r\n\r\n" + following)) == [b"400", b"200"]
    assert statuses(server.send_raw(post + chunks(MOST) + following)) == [b"400", b"200"]
    # The short rest of this body is read and ignored.
    assert statuses(server.send_raw(post + chunks(MOST + 1000) + following)) == [b"413", b"200"]
    # The rest of this body is too long: the connection ends, and the rest is not read as a request.
    smuggled = b"%x\r\n%s%s\r\n0\r\n\r\n" % (MOST + 200_000 + len(following), b" " * (MOST + 200_000), following)
    assert statuses(server.send_raw(post + smuggled + following)) == [b"413"]
