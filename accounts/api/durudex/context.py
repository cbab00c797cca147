from dataclasses import dataclass

from django.http import HttpRequest
from strawberry.types import Info

from accounts.api.common.authentication import bearer_token
from accounts.api.common.context import client_context
from accounts.core.context import ClientContext, Dialect
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session
from accounts.services import sessions


@dataclass(frozen=True, kw_only=True)
class GraphQLContext:
    """The data of the request for a resolver: its `info.context`."""

    request: HttpRequest
    operation_name: str | None

    def client(self) -> ClientContext:
        return client_context(self.request, Dialect.DURUDEX)

    def session(self, *, to_log_out: bool = False) -> Session:
        """The session of the bearer token. Raises AccountError(TOKEN_NOT_VALID), also without a token."""
        try:
            return sessions.authenticate(bearer_token(self.request) or "", to_log_out=to_log_out)
        except AccountError as error:
            # The gateway has one word for every fault of a token: UNAUTHORIZED.
            raise AccountError(ErrorCode.TOKEN_NOT_VALID, reasons=error.sentences) from None


GraphQLInfo = Info[GraphQLContext, None]
