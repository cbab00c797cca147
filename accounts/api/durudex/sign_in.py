import strawberry

from accounts.api.durudex.context import GraphQLInfo
from accounts.api.durudex.types import Tokens
from accounts.flows.log_in import log_in


@strawberry.input
class SignInInput:
    username: str
    password: str


def sign_in(info: GraphQLInfo, input: SignInInput) -> Tokens:
    logged_in = log_in(names=(input.username,), password=input.password, context=info.context.client())
    return Tokens.of(logged_in.tokens)
