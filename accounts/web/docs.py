"""The pages on which people read and try the API: drf-spectacular's pages, with only our own static files."""

from typing import Any

from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.common.documents import Kept

# ReDoc would fetch a logo from a foreign host, searches in a worker, and uses inline styles.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class _OwnFilesOnly(Kept):
    def finalize_response(self, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().finalize_response(*args, **kwargs)
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response


def _in_the_readers_language(response: Response, request: Request) -> Response:
    """The page's document in the language of the page, unless the query asks for another one."""
    if "schema_url" in response.data and "lang" not in request.GET:
        response.data["schema_url"] += f"?lang={get_language()}"
    return response


class SwaggerView(_OwnFilesOnly, SpectacularSwaggerSplitView):
    url_name = "schema"
    template_name = "docs/swagger.html"

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = _in_the_readers_language(super().get(request, *args, **kwargs), request)
        # No operation needs Django's CSRF token, and with one the script would differ at each request.
        response.data["csrf_token"] = ""
        return response


class RedocView(_OwnFilesOnly, SpectacularRedocView):
    url_name = "schema"
    template_name = "docs/redoc.html"

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return _in_the_readers_language(super().get(request, *args, **kwargs), request)
