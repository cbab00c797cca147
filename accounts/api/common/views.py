from typing import Any, cast

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.common.bodies import check_length
from accounts.api.common.context import client_context
from accounts.core.context import ClientContext, Dialect
from accounts.models import Session


class JSONNegotiation(DefaultContentNegotiation):
    """Always takes the only renderer, whatever the client accepts (RFC 9110 §12.5.1 leaves that to the server)."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class DialectView(APIView):
    # The common part of all operations of all dialects. A docstring here would become the description of each.

    dialect: Dialect
    content_negotiation_class = JSONNegotiation

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        check_length(request)
        super().initial(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response.headers["Cache-Control"] = "no-store"
        return super().finalize_response(request, response, *args, **kwargs)

    @property
    def session(self) -> Session:
        """The session of the request's access token."""
        return cast(Session, self.request.auth)

    def client(self) -> ClientContext:
        context = client_context(self.request, self.dialect)
        return context.by_user(self.session.user_id) if self.request.auth else context
