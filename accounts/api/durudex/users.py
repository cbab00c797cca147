import strawberry

from accounts.api.durudex.context import GraphQLInfo
from accounts.api.durudex.types import Me, PublicUser, User
from accounts.core.errors import AccountError, ErrorCode
from accounts.services import users


def me(info: GraphQLInfo) -> Me:
    return Me.of(info.context.session().user)


def user(id: strawberry.ID) -> User:
    found = users.find_by_id(id)
    if found is None:
        raise AccountError(ErrorCode.USER_NOT_FOUND)
    return PublicUser.of(found)
