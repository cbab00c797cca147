import strawberry

from accounts.api.durudex.context import AskingInfo
from accounts.api.durudex.types import Me, PublicUser, User
from accounts.core.errors import AccountError, ErrorCode
from accounts.services import identity


def me(info: AskingInfo) -> Me:
    return Me.of(info.context.session().user)


def user(id: strawberry.ID) -> User:
    found = identity.find_by_id(id)
    if found is None:
        raise AccountError(ErrorCode.USER_NOT_FOUND)
    return PublicUser.of(found)
