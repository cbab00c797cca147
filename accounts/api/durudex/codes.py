import strawberry

from accounts.api.durudex.context import GraphQLInfo
from accounts.api.durudex.types import Code, digits
from accounts.flows.request_code import request_code
from accounts.flows.reset_password import reset_password_with_code


@strawberry.input
class ForgotPasswordInput:
    email: str
    password: str
    code: Code


def create_verify_email_code(info: GraphQLInfo, email: str) -> bool:
    request_code(email=email, context=info.context.client())
    return True


def forgot_password(info: GraphQLInfo, input: ForgotPasswordInput) -> bool:
    reset_password_with_code(
        email=input.email, password=input.password, code=digits(input.code), context=info.context.client()
    )
    return True
