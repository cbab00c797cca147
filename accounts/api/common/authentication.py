from typing import Any, cast

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.visit_admin import visit_admin
from accounts.models import Session, User
from accounts.services import sessions

# The key under which Django's session of the admin holds the id of our session row.
ADMIN_SESSION_KEY = "sid"


def admin_session(request: HttpRequest) -> Session | None:
    """The live session of the admin's cookie, with its user; read once for each request."""
    if not hasattr(request, "_admin_session"):
        request._admin_session = visit_admin(session_id=request.session.get(ADMIN_SESSION_KEY, ""))  # type: ignore[attr-defined]
    return cast("Session | None", request._admin_session)  # type: ignore[attr-defined]


def bearer_token(request: Any) -> str | None:
    """The token of `Authorization: Bearer`; None if the header is missing or has another scheme (RFC 6750)."""
    scheme, _space, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


class BearerAuthentication(BaseAuthentication):
    """request.user and request.auth (the Session) from an access token, in one statement."""

    to_log_out = False
    to_enrol = False

    def authenticate(self, request: Request) -> tuple[User, Session] | None:
        token = bearer_token(request)
        if token is None:
            return None
        try:
            session = sessions.authenticate(token, to_log_out=self.to_log_out, to_enrol=self.to_enrol)
        except AccountError as error:
            if error.code is not ErrorCode.TOKEN_NOT_VALID:
                raise PermissionDenied(error.sentences[0], code=error.code) from None
            raise AuthenticationFailed(error.sentences[0], code=ErrorCode.TOKEN_NOT_VALID) from None
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class ExpiredBearerAuthentication(BearerAuthentication):
    """For logging out: an expired access token still names the session to end."""

    to_log_out = True


class EnrollingBearerAuthentication(BearerAuthentication):
    """For adding a second factor: it also accepts an access token of a user who has to do that first."""

    to_enrol = True


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = BearerAuthentication
    match_subclasses = True
    name = "jwtAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
