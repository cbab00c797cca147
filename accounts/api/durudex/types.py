"""The values of the dialect, the same in both schemas."""

import re
from datetime import datetime
from typing import Any, NewType, Self

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from accounts.core.results import TokenPair
from accounts.models import User as Account

Code = NewType("Code", object)


def _int_or_string(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise GraphQLError("A code is an Int or a String.")
    return value


CODE: ScalarDefinition = strawberry.scalar(
    name="Code",
    description="The six digits of a mailed code, as a String or as an Int.",
    parse_value=_int_or_string,
)


def digits(code: Code) -> str:
    """The code as mailed. An Int has lost its leading zeros, and a pasted String may contain blanks or dashes."""
    return f"{code:06d}" if isinstance(code, int) else re.sub(r"[\s\-\u2010-\u2015]", "", str(code))


@strawberry.type(description="What proves a session: access for minutes, refresh to get the next access token.")
class Tokens:
    access: str
    refresh: str

    @classmethod
    def of(cls, pair: TokenPair) -> Self:
        return cls(access=pair.access, refresh=pair.refresh)


@strawberry.interface(description="What everybody may know of a user.")
class User:
    id: strawberry.ID
    username: str
    avatar_url: str
    created_at: datetime
    last_visit: datetime
    verified: bool


@strawberry.type
class PublicUser(User):
    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(**_public(account))


@strawberry.type(description="What only users themselves may know.")
class Me(User):
    email: str

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(**_public(account), email=account.email)


def _public(account: Account) -> dict[str, Any]:
    return {
        "id": account.pk,
        "username": account.username,
        "avatar_url": account.avatar_url,
        "created_at": account.created_at,
        "last_visit": account.last_visit,
        "verified": account.email_verified,
    }
