"""The two schemas with one set of resolvers: the newer document's, and the older one's, whose signUp answers `true`."""

from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig

from accounts.api.durudex import codes, sign_in, sign_up, tokens, users
from accounts.api.durudex.query_limits import QueryLimits
from accounts.api.durudex.types import CODE, Code, Me, PublicUser, Tokens, User


@strawberry.type
class Query:
    me: Me = strawberry.field(resolver=users.me, description="Needs an access token.")
    user: User = strawberry.field(resolver=users.user)


@strawberry.type
class _CommonMutation:
    sign_in: Tokens = strawberry.mutation(resolver=sign_in.sign_in)
    refresh_token: str = strawberry.mutation(
        resolver=tokens.refresh_token, description="Answers an access token; the refresh token stays the same."
    )
    sign_out: bool = strawberry.mutation(
        resolver=tokens.sign_out, description="Ends the session of a refresh token. Needs an access token as well."
    )
    forgot_password: bool = strawberry.mutation(
        resolver=codes.forgot_password, description="Sets a new password, and ends every session."
    )
    create_verify_email_code: bool = strawberry.mutation(
        resolver=codes.create_verify_email_code, description="Mails six digits, which are good for 10 minutes."
    )


@strawberry.type
class Mutation(_CommonMutation):
    sign_up: Tokens = strawberry.mutation(resolver=sign_up.sign_up)
    answer_challenge: Tokens = strawberry.mutation(
        resolver=sign_in.answer_challenge,
        description="Goes on with a signIn that was refused with a `challenge` among the error's extensions.",
    )


@strawberry.type(name="Mutation")
class OlderMutation(_CommonMutation):
    sign_up: bool = strawberry.mutation(resolver=sign_up.sign_up_without_tokens)


class Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Does nothing: errors.render() logs what is needed."""


def _schema(mutation: type) -> Schema:
    config = StrawberryConfig(scalar_map={Code: CODE})
    # Neither schema contains Int, but clients declare variables for a Code as Int.
    return Schema(query=Query, mutation=mutation, types=[PublicUser, int], extensions=[QueryLimits], config=config)


NEWER = _schema(Mutation)
OLDER = _schema(OlderMutation)
