import strawberry

from accounts.api.durudex.context import GraphQLInfo
from accounts.api.durudex.types import Tokens
from accounts.flows import answer_challenge as flow
from accounts.flows.log_in import log_in


@strawberry.input
class SignInInput:
    username: str
    password: str


@strawberry.input
class ChallengeInput:
    challenge: str
    code: str = strawberry.field(description="Of the authenticator app, or a recovery code.")


def sign_in(info: GraphQLInfo, input: SignInInput) -> Tokens:
    logged_in = log_in(names=(input.username,), password=input.password, context=info.context.client())
    return Tokens.of(logged_in.tokens)


def answer_challenge(info: GraphQLInfo, input: ChallengeInput) -> Tokens:
    answered = flow.answer_challenge(challenge=input.challenge, code=input.code, context=info.context.client())
    return Tokens.of(answered.tokens)
