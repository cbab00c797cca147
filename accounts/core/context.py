"""Who is asking. Every door gives this to a flow in the same form."""

import ipaddress
import uuid
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self


class Dialect(StrEnum):
    AUTHAPI = "authapi"
    FASTAPI_USERS = "fastapi_users"
    DURUDEX = "durudex"
    PAGES = "pages"
    ADMIN = "admin"
    COMMAND = "command"


class ActorKind(StrEnum):
    """STRANGER: somebody who has not proved who they are. SERVICE: the product itself, such as its mail worker."""

    STRANGER = "stranger"
    USER = "user"
    ADMINISTRATOR = "administrator"
    COMMAND = "command"
    SERVICE = "service"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who asks for the work of a flow. user_id: the id of the user or the administrator; None for all others."""

    kind: ActorKind
    user_id: uuid.UUID | None = None


@dataclass(frozen=True, kw_only=True)
class RepeatKey:
    """The key under which a client may repeat a request (services/idempotency.py).

    id: the id of the request's row. secret: the key that encrypts its answer. fingerprint: a hash of its path and body.
    """

    id: str
    secret: str
    fingerprint: str


def place_of(ip: str) -> str:
    """The address, or the /64 network of an IPv6 address: one client usually has the whole network."""
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ":" in ip else ip


STRANGER = Actor(kind=ActorKind.STRANGER)


@dataclass(frozen=True, kw_only=True)
class ClientContext:
    """What a flow may know of the request behind it.

    ip: the client's address behind the trusted proxies; "" without one (a command).
    user_agent: at most 400 characters.
    language: one of settings.LANGUAGES; mail caused by the request is written in it.
    request_id: the logs and the security events of this request contain it.
    actor: who asks, as far as the door knows.
    repeat_key: the key under which the client may repeat the request; None without one.
    """

    ip: str
    user_agent: str
    language: str
    request_id: str
    dialect: Dialect
    actor: Actor = STRANGER
    repeat_key: RepeatKey | None = None

    @property
    def place(self) -> str:
        """What limits count as one client: the address, or the /64 network of an IPv6 address; "" without one."""
        return place_of(self.ip)

    @property
    def is_trusted(self) -> bool:
        """Whether an administrator or the operator asks. Limits do not count their requests."""
        return self.actor.kind in (ActorKind.ADMINISTRATOR, ActorKind.COMMAND)

    def by_user(self, user_id: uuid.UUID) -> Self:
        """The same request, by a user who has proved who they are."""
        return replace(self, actor=Actor(kind=ActorKind.USER, user_id=user_id))

    def by_administrator(self, user_id: uuid.UUID) -> Self:
        """The same request, by an administrator."""
        return replace(self, actor=Actor(kind=ActorKind.ADMINISTRATOR, user_id=user_id))
