"""Lets pages of other origins call the dialects (CORS_ALLOWED_ORIGINS; the Fetch standard, CORS protocol)."""

from corsheaders import middleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

from accounts.core.conf import conf

# Paths that read or set a cookie of a client. Browsers send no cookies to other paths.
COOKIE_PATHS = ("/auth/cookie/", "/users/")
REFRESH_COOKIE_PATHS = (
    "/api/auth/login",
    "/api/auth/logout",
    "/api/auth/mfa/verify",
    "/api/auth/passkeys/login/",
    "/api/auth/registration",
    "/api/auth/token/",
)


class CorsMiddleware(middleware.CorsMiddleware):
    """django-cors-headers, only for existing paths, and with credentials only for paths with a cookie.

    A preflight is answered here, without the database.
    """

    def is_enabled(self, request: HttpRequest) -> bool:
        return super().is_enabled(request) and _is_known(request.path_info)

    def add_response_headers(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response = super().add_response_headers(request, response)
        paths = COOKIE_PATHS + (REFRESH_COOKIE_PATHS if conf.refresh_token_is_in_cookie else ())
        if middleware.ACCESS_CONTROL_ALLOW_ORIGIN in response.headers and request.path_info.startswith(paths):
            response.headers[middleware.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
        return response


def _is_known(path: str) -> bool:
    try:
        # FastAPI's 404 for unknown paths is also a view.
        return not resolve(path).view_name.endswith(".UnknownPathView")
    except Resolver404:
        return False
