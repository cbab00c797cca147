"""The contexts and users of the tests of flows, and helpers that read what flows wrote."""

from dataclasses import replace
from typing import Any

import pytest

from accounts.core.context import ClientContext, Dialect
from accounts.core.errors import AccountError
from accounts.flows.log_in import log_in
from accounts.flows.sign_up import sign_up
from accounts.models import Message, SecurityEvent, User
from accounts.services.logins import LoggedIn
from tests.administrators import add_root
from tests.clients.authapi import PASSWORD

ADDRESS = "alice@example.org"
_CLIENT = ClientContext(ip="203.0.113.7", user_agent="Test/1", language="en", request_id="r1", dialect=Dialect.AUTHAPI)


def client(**changes: Any) -> ClientContext:
    """The context of a request, with these fields changed."""
    return replace(_CLIENT, **changes)


def signed_up(username: str = "alice") -> User:
    """A user who has just registered and has no session. The events and mails of that are deleted."""
    sign_up(
        username=username, email=f"{username}@example.org", password=PASSWORD, starts_session=False, context=client()
    )
    forget()
    return User.objects.with_address().get(username=username)


def by_root() -> ClientContext:
    """The context of a request of root, the superuser whom this adds."""
    root = add_root()
    forget()
    return client().by_administrator(root.pk)


def logged_in(username: str = "alice") -> LoggedIn:
    """A new session of this user. The events of that are deleted."""
    login = log_in(names=(username,), password=PASSWORD, context=client())
    forget()
    return login


def forget() -> None:
    SecurityEvent.objects.all().delete()
    Message.objects.all().delete()


def recorded() -> list[tuple[str, str, str | None, str, str]]:
    """Kind, actor's kind, user's name, ip and request id of every event, the oldest first."""
    columns = ("kind", "actor_kind", "user__username", "ip", "request_id")
    return list(SecurityEvent.objects.order_by("id").values_list(*columns))


def event(kind: str, actor_kind: str = "stranger", username: str | None = "alice") -> tuple[Any, ...]:
    """The row of recorded() for an event that the client of this module caused."""
    return (kind, actor_kind, username, "203.0.113.7", "r1")


def mailed() -> list[tuple[str, str]]:
    """Kind and address of every message in the outbox, the oldest first."""
    return list(Message.objects.order_by("id").values_list("kind", "to"))


def refusal(flow: Any, **arguments: Any) -> AccountError:
    """The refusal of `flow` for these arguments."""
    with pytest.raises(AccountError) as refused:
        flow(context=client(), **arguments)
    return refused.value
