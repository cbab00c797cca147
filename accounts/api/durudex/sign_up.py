from typing import cast

import strawberry

from accounts.api.durudex.context import GraphQLInfo
from accounts.api.durudex.types import Code, Tokens, digits
from accounts.core.results import TokenPair
from accounts.flows.sign_up import sign_up_with_code


@strawberry.input
class SignUpInput:
    username: str
    email: str
    password: str
    code: Code


def sign_up(info: GraphQLInfo, input: SignUpInput) -> Tokens:
    pair = _sign_up(info, input, starts_session=True)
    return Tokens.of(cast(TokenPair, pair))


def sign_up_without_tokens(info: GraphQLInfo, input: SignUpInput) -> bool:
    _sign_up(info, input, starts_session=False)
    return True


def _sign_up(info: GraphQLInfo, input: SignUpInput, *, starts_session: bool) -> TokenPair | None:
    return sign_up_with_code(
        username=input.username,
        email=input.email,
        password=input.password,
        code=digits(input.code),
        starts_session=starts_session,
        context=info.context.client(),
    )
