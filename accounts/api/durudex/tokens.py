import strawberry

from accounts.api.durudex.context import GraphQLInfo
from accounts.flows.log_out import log_out_by_token
from accounts.flows.refresh import renew_access


@strawberry.input
class TokenInput:
    token: str = strawberry.field(description="A refresh token.")


def refresh_token(info: GraphQLInfo, input: TokenInput) -> str:
    return renew_access(token=input.token.strip(), context=info.context.client())


def sign_out(info: GraphQLInfo, input: TokenInput) -> bool:
    # An expired access token still names the session to end.
    session = info.context.session(to_log_out=True)
    context = info.context.client().by_user(session.user_id)
    log_out_by_token(session=session, refresh_token=input.token.strip(), context=context)
    return True
