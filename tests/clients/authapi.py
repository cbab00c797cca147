import json
from typing import Any

from django.test import Client

from tests import openapi
from tests.mailbox import Mailbox, code_in

PASSWORD = "correct-horse-9"
NEW_PASSWORD = "battery-staple-7"
NOT_VALID = {"detail": "Token is invalid or expired", "code": "token_not_valid"}
NO_BEARER = {"detail": "Authentication credentials were not provided.", "code": "not_authenticated"}
BAD_LOGIN = {"non_field_errors": ["Unable to log in with provided credentials."]}


class AuthApi:
    """A REST client of /api/auth/. Every answer is checked against the OpenAPI document.

    body: how bodies are sent: "json", "form" or "multipart".
    """

    def __init__(self, body: str = "json", **headers: str) -> None:
        self.body = body
        self.headers = headers
        self.http = Client(raise_request_exception=False)

    def call(
        self, method: str, path: str, data: dict[str, Any] | None = None, *, token: str | None = None, **extra: Any
    ) -> Any:
        """One request to /api/auth/<path>, in the body's form of this client."""
        headers = {**self.headers, **extra.pop("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if data is not None:
            extra |= self._encoded(data)
        return self.send(method, f"/api/auth/{path}", headers=headers, **extra)

    def send(self, method: str, url: str, **extra: Any) -> Any:
        """One request as it is given. The answer is checked against the OpenAPI document."""
        response = self.http.generic(method, url, **extra)
        openapi.check(method, url.split("?")[0], response)
        return response

    def _encoded(self, data: dict[str, Any]) -> dict[str, Any]:
        if self.body == "json":
            return {"data": json.dumps(data), "content_type": "application/json"}
        if self.body == "form":
            from urllib.parse import urlencode

            return {"data": urlencode(data), "content_type": "application/x-www-form-urlencoded"}
        from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

        return {"data": encode_multipart(BOUNDARY, data), "content_type": MULTIPART_CONTENT}

    def register(self, username: str, email: str | None = None, password: str = PASSWORD) -> Any:
        body = {"username": username, "email": email or f"{username}@example.org"}
        return self.call("POST", "registration/", {**body, "password1": password, "password2": password})

    def login(self, name: str, password: str = PASSWORD, *, field: str = "username") -> Any:
        return self.call("POST", "login/", {field: name, "password": password})

    def ask_for_code(self, email: str) -> Any:
        return self.call("POST", "login/code/", {"email": email})

    def login_code(self, email: str) -> str:
        """Asks for a code to log in and reads it in the mail."""
        assert self.ask_for_code(email).status_code == 200
        return code_in(Mailbox().collect()[-1])

    def log_in_with_code(self, email: str, code: str) -> Any:
        return self.call("POST", "login/code/confirm/", {"email": email, "code": code})

    def refresh(self, token: str) -> Any:
        return self.call("POST", "token/refresh/", {"refresh": token})

    def verify(self, token: str) -> Any:
        return self.call("POST", "token/verify/", {"token": token})

    def user(self, token: str) -> Any:
        return self.call("GET", "user/", token=token)

    def logout(self, token: str) -> Any:
        return self.call("POST", "logout/", token=token)

    def change_password(self, token: str, old: str, new: str) -> Any:
        body = {"old_password": old, "new_password1": new, "new_password2": new}
        return self.call("POST", "password/change/", body, token=token)

    def reset(self, email: str) -> Any:
        return self.call("POST", "password/reset/", {"email": email})

    def confirm_reset(self, uid: str, token: str, new: str) -> Any:
        body = {"uid": uid, "token": token, "new_password1": new, "new_password2": new}
        return self.call("POST", "password/reset/confirm/", body)

    def resend(self, email: str) -> Any:
        return self.call("POST", "registration/resend-email/", {"email": email})

    def verify_email(self, key: str) -> Any:
        return self.call("POST", "registration/verify-email/", {"key": key})
