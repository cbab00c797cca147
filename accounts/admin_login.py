from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User
from accounts.services import identity, passwords


class AdminBackend(ModelBackend):
    """Lets the accounts of this server into the admin, by username or address, under the same password rules."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        if username is None or password is None:
            return None
        user = identity.find(username)
        verdict = passwords.verify(password, user)
        return user if user and verdict.correct and self.user_can_authenticate(user) else None
