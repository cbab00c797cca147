from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.api.common.context import client_context
from accounts.core.context import Dialect
from accounts.core.errors import AccountError
from accounts.flows.log_in_to_admin import log_in_to_admin
from accounts.models import User


class AdminBackend(ModelBackend):
    """Lets the accounts of this server into the admin, by username or address, under the same password rules."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        if request is None or username is None or password is None:
            return None
        try:
            return log_in_to_admin(name=username, password=password, context=client_context(request, Dialect.ADMIN))
        except AccountError:
            return None
