"""The superuser with whom tests of administrators begin."""

from accounts.core.context import ClientContext, Dialect
from accounts.flows.administer import add_user
from accounts.models import User
from tests.clients.authapi import PASSWORD

_CONTEXT = ClientContext(ip="", user_agent="", language="en", request_id="", dialect=Dialect.COMMAND)


def add_root() -> User:
    """Adds the superuser `root`, whose address is verified, as a command does."""
    return add_user(
        username="root", email="root@example.org", password=PASSWORD, is_superuser=True, verified=True, context=_CONTEXT
    )
