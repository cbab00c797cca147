import json
from typing import Any

from django.test import Client

from tests.clients.authapi import PASSWORD
from tests.mailbox import Mailbox, code_in

GRAPHQL_JSON = "application/graphql-response+json"
WORDS = {
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "UNAUTHORIZED",
    "INTERNAL_SERVER_ERROR",
    "SERVER_ERROR",
    "RATE_LIMITED",
}


class Durudex:
    """A GraphQL client of /graph/query, or of the older document's /graph/v1/query.

    It prefers `application/graphql-response+json`, like Apollo and urql. Every answer is checked against the contract:
    JSON, status 200 or 400, and errors with one of its words.
    """

    def __init__(self, *, older: bool = False, **headers: str) -> None:
        self.older = older
        self.url = "/graph/v1/query" if older else "/graph/query"
        self.headers = {"Accept": f"{GRAPHQL_JSON}, application/json;q=0.9", **headers}
        self.http = Client(raise_request_exception=False)

    def run(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        *,
        token: str | None = None,
        operation_name: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """One operation, and the response to it."""
        body: dict[str, Any] = {"query": query}
        if variables is not None:
            body["variables"] = variables
        if operation_name is not None:
            body["operationName"] = operation_name
        return self.post(json.dumps(body), token=token, headers=headers or {})

    def post(
        self,
        body: str | bytes,
        *,
        token: str | None = None,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> Any:
        """A body as it is given."""
        headers = {**self.headers, **(headers or {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        response = self.http.post(self.url, data=body, content_type=content_type, headers=headers)
        check(response)
        return response

    def create_code(self, email: str) -> Any:
        query = "mutation ($email: String!) { createVerifyEmailCode(email: $email) }"
        return self.run(query, {"email": email})

    def mailed_code(self, email: str) -> str:
        """Asks for a code and reads it in the mail."""
        response = self.create_code(email)
        assert response.json() == {"data": {"createVerifyEmailCode": True}}
        return code_in(Mailbox().collect()[-1])

    def sign_up(self, username: str, email: str, code: int | str, password: str = PASSWORD) -> Any:
        selection = "" if self.older else "{ access refresh }"
        query = f"mutation ($input: SignUpInput!) {{ signUp(input: $input) {selection} }}"
        return self.run(query, {"input": {"username": username, "email": email, "password": password, "code": code}})

    def register(self, username: str, email: str | None = None, password: str = PASSWORD) -> Any:
        """Signs up with the code out of the mail."""
        email = email or f"{username}@example.org"
        return self.sign_up(username, email, self.mailed_code(email), password)

    def login(self, username: str, password: str = PASSWORD) -> Any:
        query = "mutation ($input: SignInInput!) { signIn(input: $input) { access refresh } }"
        return self.run(query, {"input": {"username": username, "password": password}})

    def refresh(self, token: str) -> Any:
        query = "mutation ($input: TokenInput!) { refreshToken(input: $input) }"
        return self.run(query, {"input": {"token": token}})

    def logout(self, token: str | None, refresh: str) -> Any:
        query = "mutation ($input: TokenInput!) { signOut(input: $input) }"
        return self.run(query, {"input": {"token": refresh}}, token=token)

    def forgot_password(self, email: str, code: int | str, password: str) -> Any:
        query = "mutation ($input: ForgotPasswordInput!) { forgotPassword(input: $input) }"
        return self.run(query, {"input": {"email": email, "password": password, "code": code}})

    def me(self, token: str | None) -> Any:
        return self.run("{ me { id username email avatarUrl createdAt lastVisit verified } }", token=token)

    def user(self, id: str, token: str | None = None) -> Any:
        query = "query ($id: ID!) { user(id: $id) { id username avatarUrl createdAt lastVisit verified } }"
        return self.run(query, {"id": id}, token=token)


def check(response: Any) -> None:
    """Raises AssertionError unless it is an answer that the contract knows."""
    said = response.content.decode()
    assert response.status_code in (200, 400), f"{response.status_code} {said[:300]}"
    media_type = response.headers["Content-Type"]
    assert media_type in ("application/json", f"{GRAPHQL_JSON}; charset=utf-8"), said[:300]
    assert response.headers["Cache-Control"] == "no-store"
    answer = response.json()
    assert set(answer) <= {"data", "errors"}, said[:300]
    if media_type == "application/json":
        assert "data" not in answer or response.status_code == 200, said[:300]
    else:
        assert ("data" in answer) is (response.status_code == 200), said[:300]
    assert answer.get("errors") or answer.get("data") is not None, said[:300]
    for error in answer.get("errors", ()):
        assert set(error) <= {"message", "locations", "path", "extensions"}, error
        assert isinstance(error["message"], str)
        assert error["message"], error
        assert set(error["extensions"]) <= {"code", "fields", "retryAfter", "challenge", "factors"}, error
        assert error["extensions"]["code"] in WORDS, error


def error(response: Any) -> dict[str, Any]:
    """The `extensions` of the only error of a response without data."""
    answer = response.json()
    assert answer.get("data") is None, answer
    (only,) = answer["errors"]
    extensions: dict[str, Any] = only["extensions"]
    return extensions


def word(response: Any) -> str:
    """The word of a response's only error."""
    return str(error(response)["code"])
