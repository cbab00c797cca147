"""The previous release keeps working on the migrated database, and this release can use the rows that it wrote."""

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from accounts.models import Message
from tests.clients.authapi import NEW_PASSWORD, PASSWORD
from tests.migrations.previous import ROOT, take_out
from tests.processes import database_url, finish, manage, web_server
from tests.servers import free_port, wait_for_port
from tests.smtp import mail_server

pytestmark = pytest.mark.django_db(transaction=True)
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
# The mails to the person of a journey.
MAILED = ["password_changed", "password_reset", "verification"]


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the code of the previous release."""
    folder = tmp_path_factory.mktemp("previous")
    take_out(folder)
    return folder


@dataclass(frozen=True)
class Server:
    port: int

    def ask(self, method: str, path: str, body: Any = None, *, type: str = JSON, token: str = "") -> tuple[int, Any]:
        """The status of the answer and its JSON."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        encoded = urlencode(body) if type == FORM else json.dumps(body)
        client.request(method, path, encoded, {"Content-Type": type, "Authorization": f"Bearer {token}"})
        with closing(client), client.getresponse() as answer:
            said = answer.read()
            return answer.status, json.loads(said) if said else None

    def get(self, path: str, token: str) -> tuple[int, Any]:
        return self.ask("GET", path, {}, token=token)

    def graph(self, query: str, *, token: str = "") -> Any:
        """The data of the answer."""
        status, said = self.ask("POST", "/graph/query", {"query": query}, token=token)
        assert (status, said.get("errors")) == (200, None)
        return said["data"]


@contextmanager
def serve(code: Path, database: str = "") -> Iterator[Server]:
    """The web server of the code in this folder."""
    port = free_port()
    # Both releases serve the same origin, because tokens contain it.
    environment = {"DATABASE_URL": database or database_url(), "PUBLIC_URL": "http://127.0.0.1:8000"}
    with web_server(port, cwd=code, WEB_CONCURRENCY="1", RATE_LIMITS="off", **environment):
        wait_for_port(port)
        yield Server(port)


def run(code: Path, *args: str, **environment: str) -> None:
    """`manage.py ARGS` of the code in this folder, to its end."""
    with manage(*args, cwd=code, LOG_LEVEL="WARNING", **environment) as command:
        assert finish(command, seconds=120) == (0, "")


@dataclass(frozen=True)
class Tokens:
    """The tokens of a person's clients: of the AuthApi, of FastAPI Users and of GraphQL."""

    access: str
    refresh: str
    bearer: str
    graph: str


def journey(server: Server, name: str) -> Tokens:
    """Registers a person and uses the account; returns the tokens that are valid at the end."""
    email = f"{name}@example.org"

    def authapi(path: str, body: Any = None, *, status: int = 200, token: str = "") -> Any:
        answer = server.ask("POST", f"/api/auth/{path}", body or {}, token=token)
        assert answer[0] == status, (path, answer)
        return answer[1]

    passwords = {"password1": PASSWORD, "password2": PASSWORD}
    first = authapi("registration/", {"username": name, "email": email, **passwords}, status=201)
    login = authapi("login/", {"username": name, "password": PASSWORD})
    status, user = server.get("/api/auth/user/", login["access"])
    assert (status, user["username"], user["email"], user["email_verified"]) == (200, name, email, False)
    session = authapi("token/refresh/", {"refresh": login["refresh"]})
    authapi("token/verify/", {"token": session["access"]})
    passwords = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    authapi("password/change/", passwords, token=session["access"])
    authapi("token/refresh/", {"refresh": first["refresh"]}, status=401)
    authapi("login/", {"username": name, "password": PASSWORD}, status=400)
    ended = authapi("login/", {"username": name, "password": NEW_PASSWORD})["access"]
    authapi("logout/", token=ended)
    assert server.get("/api/auth/user/", ended)[0] == 401
    authapi("password/reset/", {"email": email})

    status, said = server.ask("POST", "/auth/jwt/login", {"username": email, "password": NEW_PASSWORD}, type=FORM)
    assert status == 200
    sign_in = f'mutation {{ signIn(input: {{username: "{name}", password: "{NEW_PASSWORD}"}}) {{ access }} }}'
    graph = server.graph(sign_in)["signIn"]["access"]
    return go_on(server, name, Tokens(session["access"], session["refresh"], said["access_token"], graph))


def go_on(server: Server, name: str, tokens: Tokens) -> Tokens:
    """Uses every token of a person, from either release; returns the tokens that are valid afterwards."""
    status, user = server.get("/api/auth/user/", tokens.access)
    assert (status, user["username"]) == (200, name)
    status, user = server.get("/users/me", tokens.bearer)
    assert (status, user["email"]) == (200, f"{name}@example.org")
    assert server.graph("{ me { username } }", token=tokens.graph) == {"me": {"username": name}}
    status, pair = server.ask("POST", "/api/auth/token/refresh/", {"refresh": tokens.refresh})
    assert status == 200
    return Tokens(pair["access"], pair["refresh"], tokens.bearer, tokens.graph)


def test_it_works_on_the_migrated_database_beside_this_release(previous: Path) -> None:
    with serve(previous) as before, serve(ROOT) as now:
        # Each release goes on with the sessions that the other one started or refreshed last.
        for name, first, second in (("alice", before, now), ("bob", now, before)):
            tokens = go_on(second, name, journey(first, name))
            tokens = go_on(first, name, tokens)
            go_on(second, name, tokens)
            mailed = Message.objects.filter(to=f"{name}@example.org").values_list("kind", flat=True)
            assert sorted(mailed) == MAILED
    with mail_server() as mails:
        run(previous, "deliver_mail", "--once", EMAIL_URL=f"smtp://127.0.0.1:{mails.port}")
        assert mails.counts() == Counter({"alice@example.org": 3, "bob@example.org": 3})


def test_what_it_wrote_is_good_for_this_release(previous: Path, empty_database: str) -> None:
    def events(server: Server) -> list[str]:
        status, page = server.get("/api/auth/events/", tokens.access)
        assert status == 200
        return [event["kind"] for event in page["results"]]

    def sessions(server: Server) -> set[str]:
        status, page = server.get("/api/auth/sessions/", tokens.access)
        assert status == 200
        return {session["id"] for session in page["results"]}

    run(previous, "migrate", "--verbosity", "0", DATABASE_URL=empty_database)
    with serve(previous, empty_database) as server:
        tokens = journey(server, "alice")
        written = events(server), sessions(server)
        assert [len(each) for each in written] == [11, 3]
    run(ROOT, "migrate", "--verbosity", "0", DATABASE_URL=empty_database)
    with serve(ROOT, empty_database) as server:
        assert (events(server), sessions(server)) == written
        go_on(server, "alice", tokens)
        journey(server, "bob")
    with mail_server() as mails:
        run(ROOT, "deliver_mail", "--once", EMAIL_URL=f"smtp://127.0.0.1:{mails.port}", DATABASE_URL=empty_database)
        assert mails.counts() == Counter({"alice@example.org": 3, "bob@example.org": 3})
