"""Who is asking, in the one shape that every door gives to a flow."""

from dataclasses import dataclass
from enum import StrEnum


class Dialect(StrEnum):
    AUTHAPI = "authapi"
    FASTAPI_USERS = "fastapi_users"
    DURUDEX = "durudex"
    PAGES = "pages"
    ADMIN = "admin"
    COMMAND = "command"


@dataclass(frozen=True, kw_only=True)
class ClientContext:
    """What a flow may know of the request behind it.

    ip: the client's address behind the trusted proxies, or "" where there is none (a command).
    user_agent: at most 400 characters.
    language: one of settings.LANGUAGES; mail caused by the request is written in it.
    request_id: stands in the logs and in the security events of this request.
    """

    ip: str
    user_agent: str
    language: str
    request_id: str
    dialect: Dialect
