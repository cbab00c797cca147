"""Sends a request to the FastAPI Users package and to ours, and compares the two answers."""

import http.client
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from accounts.models import User
from tests.clients.authapi import PASSWORD
from tests.clients.fastapi_users import FastAPIUsers
from tests.contract.oracle import Oracle
from tests.mailbox import Mailbox, link_values

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
HEADERS = ("content-type", "www-authenticate", "location")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str
    cookie: str | None

    def json(self) -> Any:
        return json.loads(self.body)


class Both:
    """Sends each request to the package and to ours. $name in a request stands for a value that differs by nature."""

    def __init__(self, oracle: Oracle, letters: Mailbox) -> None:
        self.oracle = oracle
        self.letters = letters
        self.client = FastAPIUsers()
        self.values: list[dict[str, str]] = [{}, {}]

    def raw(self, method: str, path: str, body: Any = None, type: str | None = None, **headers: str) -> list[Answer]:
        """The package's answer and ours."""
        answers = []
        for values, send in zip(self.values, (self.to_package, self.to_ours), strict=True):

            def fill(text: str, values: dict[str, str] = values) -> str:
                return re.sub(r"\$(\w+)", lambda found: values.get(found[1], found[0]), text)

            data = fill(body if isinstance(body, str) else json.dumps(body)) if body is not None else None
            filled = {name.replace("_", "-"): fill(value) for name, value in headers.items()}
            answers.append(send(method, fill(path), data, type or (JSON if body is not None else None), filled))
        return answers

    def send(self, method: str, path: str, body: Any = None, type: str | None = None, **headers: str) -> Answer:
        """Our answer. It must be the package's answer, except for values that differ by nature."""
        theirs, ours = self.raw(method, path, body, type, **headers)
        where = f"{method} {path} {str(body)[:200]} {headers}: {theirs} {ours}"
        assert theirs.status == ours.status, where
        for name in HEADERS:
            assert theirs.headers.get(name) == ours.headers.get(name), where
        assert self.shape(theirs.cookie) == self.shape(ours.cookie), where
        assert self.plain(theirs, self.values[0]) == self.plain(ours, self.values[1]), where
        return ours

    def keep(self, name: str, theirs: str, ours: str) -> None:
        self.values[0][name], self.values[1][name] = theirs, ours

    def register(self, email: str, name: str = "id") -> None:
        theirs, ours = self.raw("POST", "/auth/register", {"email": email, "password": PASSWORD})
        assert (theirs.status, ours.status) == (201, 201), (theirs, ours)
        self.keep(name, theirs.json()["id"], ours.json()["id"])
        assert self.plain(theirs, self.values[0]) == self.plain(ours, self.values[1])

    def login(self, email: str, name: str = "token", password: str = PASSWORD) -> None:
        theirs, ours = self.raw("POST", "/auth/jwt/login", urlencode({"username": email, "password": password}), FORM)
        assert (theirs.status, ours.status) == (200, 200), (theirs, ours)
        assert set(theirs.json()) == set(ours.json())
        assert theirs.json()["token_type"] == ours.json()["token_type"]
        self.keep(name, theirs.json()["access_token"], ours.json()["access_token"])

    def set(self, email: str, **columns: bool) -> None:
        self.oracle.set(email, **columns)
        User.objects.filter(email=email).update(**columns)

    def mailed(self, email: str, kind: str, name: str) -> None:
        """Keeps the token of the mail that was asked for last."""
        values = link_values([letter for letter in self.letters.collect() if letter.to == [email]][-1])
        self.keep(name, self.oracle.tokens.pop((email, kind)), values["token" if kind == "reset" else "key"])

    def to_package(self, method: str, path: str, body: str | None, type: str | None, headers: Any) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.oracle.port)
        sent = {**headers, "Content-Type": type} if type else headers
        connection.request(method, path, body.encode() if body is not None else None, sent)
        response = connection.getresponse()
        answer = Answer(
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read().decode(),
            response.getheader("Set-Cookie"),
        )
        connection.close()
        return answer

    def to_ours(self, method: str, path: str, body: str | None, type: str | None, headers: Any) -> Answer:
        extra = {"data": body or "", "content_type": type or ""} if body is not None or type else {}
        send = Client().generic if path == "/openapi.json" else self.client.send
        response = send(method, path, headers=headers, **extra)
        cookies = response.cookies.output(header="").strip() or None
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, found, response.content.decode(), cookies)

    def plain(self, answer: Answer, values: dict[str, str]) -> Any:
        """The body without values that differ by nature or on purpose."""
        text = answer.body
        for name, value in values.items():
            text = text.replace(value, f"${name}")
        if not text or answer.headers.get("content-type") != JSON:
            return text
        body = json.loads(text)
        for problem in body["detail"] if isinstance(body, dict) and isinstance(body.get("detail"), list) else ():
            problem.pop("input", None)
            if problem["type"] == "value_error":
                problem["ctx"] = list(problem["ctx"])
                problem["msg"] = problem["msg"].partition(":")[0]
        return body

    def shape(self, cookie: str | None) -> Any:
        """The attributes of a cookie. `expires` is left out: it only repeats Max-Age for old browsers."""
        parts = [part.strip() for part in cookie.split(";")] if cookie else []
        value = parts[0].partition("=")[2] if parts else ""
        return {part for part in parts[1:] if not part.startswith("expires=")}, value in ("", '""'), bool(parts)


BEARER = {"Authorization": "Bearer $token"}
ADMIN = {"Authorization": "Bearer $admin"}
