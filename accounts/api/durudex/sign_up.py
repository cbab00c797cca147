import strawberry

from accounts.api.durudex.context import GraphQLInfo
from accounts.api.durudex.types import Code, Tokens, digits
from accounts.flows.sign_up import sign_up_with_code


@strawberry.input
class SignUpInput:
    username: str
    email: str
    password: str
    code: Code


def sign_up(info: GraphQLInfo, input: SignUpInput) -> Tokens:
    pair = sign_up_with_code(
        username=input.username,
        email=input.email,
        password=input.password,
        code=digits(input.code),
        context=info.context.client(),
    )
    return Tokens.of(pair)


def sign_up_without_tokens(info: GraphQLInfo, input: SignUpInput) -> bool:
    sign_up(info, input)
    return True
