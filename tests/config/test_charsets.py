"""An odd charset has no effect: the query string is read as usual, and the request is answered."""

import io
import json
from typing import Any

import pytest

from config.bodies import extends_ascii
from config.wsgi import application

ODD = ["bz2_codec", "rot13", "punycode", "idna", "utf-16", "utf-7", "zip", "no-such", "x" * 8000, "\x00"]


def ask(method: str, target: str, content_type: str, body: bytes = b"") -> tuple[str, str]:
    """Status and body of the answer of the real WSGI application."""
    path, _mark, query = target.partition("?")
    said: list[str] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        said.append(status)

    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "HTTP_HOST": "127.0.0.1:8000",
        "SCRIPT_NAME": "",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
    }
    answer = application(environ, start_response)  # type: ignore[arg-type]
    return said[0], b"".join(answer).decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("charset", ODD)
def test_odd_ones(charset: str) -> None:
    kind = f"text/plain; charset={charset}"
    assert ask("GET", "/?a=b", kind)[0] == "200 OK"
    assert ask("GET", "/users/me?a=b", kind)[0] == "401 Unauthorized"
    assert ask("GET", "/graph/query?query={me{id}}", kind)[0] == "200 OK"
    body = json.dumps({"username": "nobody", "password": "x"}).encode()
    status, said = ask("POST", "/api/auth/login/?a=b", f"application/json; charset={charset}", body)
    assert (status, list(json.loads(said))) == ("400 Bad Request", ["non_field_errors"])


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "us-ascii", "iso-8859-1", "windows-1251", "koi8-u"])
def test_usual_ones(charset: str) -> None:
    assert extends_ascii(charset)
