import json
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from accounts.models import User
from tests import openapi
from tests.clients.authapi import PASSWORD

COOKIE = "fastapiusersauth"
ARTHUR = "king.arthur@camelot.bt"
MERLIN = "merlin@camelot.bt"
UNAUTHORIZED = {"detail": "Unauthorized"}


def id_of(email: str) -> str:
    return str(User.objects.get(email=email).pk)


class FastAPIUsers:
    """A client of the FastAPI Users package. Every answer is checked against the OpenAPI document."""

    def __init__(self, **headers: str) -> None:
        self.headers = headers

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        cookie: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """One request with a JSON body, or none."""
        extra: dict[str, Any] = {}
        if body is not None:
            extra = {"data": json.dumps(body), "content_type": "application/json"}
        return self.send(method, path, headers=self.credentials(token, cookie) | (headers or {}), **extra)

    def send(self, method: str, url: str, *, headers: dict[str, str] | None = None, **extra: Any) -> Any:
        """One request as it is given. The answer is checked against the OpenAPI document."""
        # Each request has a browser of its own, so that it sends exactly what the test says.
        response = Client(raise_request_exception=False).generic(
            method, url, headers={**self.headers, **(headers or {})}, **extra
        )
        openapi.check(method, url.split("?")[0], response)
        return response

    def credentials(self, token: str | None, cookie: str | None) -> dict[str, str]:
        bearer = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return bearer | ({"Cookie": f"{COOKIE}={cookie}"} if cookie is not None else {})

    def form(self, path: str, fields: dict[str, str], **headers: str) -> Any:
        return self.send(
            "POST",
            path,
            data=urlencode(fields),
            content_type="application/x-www-form-urlencoded",
            headers=headers,
        )

    def register(self, email: str, password: str = PASSWORD) -> Any:
        return self.call("POST", "/auth/register", {"email": email, "password": password})

    def login(self, email: str, password: str = PASSWORD) -> Any:
        return self.form("/auth/jwt/login", {"username": email, "password": password})

    def token(self, email: str, password: str = PASSWORD) -> str:
        """Logs in, and answers the access token."""
        return str(self.login(email, password).json()["access_token"])

    def cookie_login(self, email: str, password: str = PASSWORD, **headers: str) -> Any:
        return self.form("/auth/cookie/login", {"username": email, "password": password}, **headers)

    def logout(self, token: str) -> Any:
        return self.call("POST", "/auth/jwt/logout", token=token)

    def cookie_logout(self, cookie: str) -> Any:
        return self.call("POST", "/auth/cookie/logout", cookie=cookie)

    def me(self, token: str | None = None, *, cookie: str | None = None) -> Any:
        return self.call("GET", "/users/me", token=token, cookie=cookie)

    def change_me(self, token: str, **fields: Any) -> Any:
        return self.call("PATCH", "/users/me", fields, token=token)

    def read(self, id: str, token: str) -> Any:
        return self.call("GET", f"/users/{id}", token=token)

    def change(self, id: str, token: str, **fields: Any) -> Any:
        return self.call("PATCH", f"/users/{id}", fields, token=token)

    def delete(self, id: str, token: str) -> Any:
        return self.call("DELETE", f"/users/{id}", token=token)

    def forgot_password(self, email: str) -> Any:
        return self.call("POST", "/auth/forgot-password", {"email": email})

    def reset_password(self, token: str, password: str) -> Any:
        return self.call("POST", "/auth/reset-password", {"token": token, "password": password})

    def request_verify_token(self, email: str) -> Any:
        return self.call("POST", "/auth/request-verify-token", {"email": email})

    def verify(self, token: str) -> Any:
        return self.call("POST", "/auth/verify", {"token": token})
