"""Authenticates clients of FastAPI Users by a bearer token or the cookie."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.api.common import browser_cookie
from accounts.api.common.authentication import bearer_token
from accounts.api.common.origins import check_origin
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session, User
from accounts.services import sessions

COOKIE = browser_cookie.NAME


class BearerOrCookieAuthentication(BaseAuthentication):
    """Sets request.user and request.auth (the Session) from the first valid token: the bearer's, then the cookie's."""

    def authenticate(self, request: Request) -> tuple[User, Session] | None:
        session = self._session(bearer_token(request))
        if session is None:
            session = self._session(request.COOKIES.get(COOKIE))
            if session is not None:
                check_origin(request)
        return (session.user, session) if session else None

    def _session(self, token: str | None) -> Session | None:
        """The session of a valid token.

        Raises PermissionDenied if its user has to be verified first, and AccountError(MFA_ENROLMENT_REQUIRED).
        """
        try:
            return sessions.authenticate(token) if token else None
        except AccountError as error:
            if error.code is ErrorCode.EMAIL_NOT_VERIFIED:
                raise PermissionDenied from None
            if error.code is ErrorCode.MFA_ENROLMENT_REQUIRED:
                raise
            return None


class IsSuperuser(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user.is_superuser)


class BearerOrCookieScheme(OpenApiAuthenticationExtension):
    target_class = BearerOrCookieAuthentication
    match_subclasses = True
    # The names that FastAPI gives them.
    name = ["OAuth2PasswordBearer", "APIKeyCookie"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        return [
            {"type": "oauth2", "flows": {"password": {"scopes": {}, "tokenUrl": "/auth/jwt/login"}}},
            {"type": "apiKey", "in": "cookie", "name": COOKIE},
        ]
