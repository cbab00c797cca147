"""The pages on which a person reads and tries the API: drf-spectacular's, from our own static files alone."""

from typing import Any

from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.common.documents import Kept

# ReDoc would fetch its maker's logo from a foreign host, searches in a worker, and styles itself inline.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class _OwnFilesOnly(Kept):
    def finalize_response(self, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().finalize_response(*args, **kwargs)
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response


class SwaggerView(_OwnFilesOnly, SpectacularSwaggerSplitView):
    url_name = "schema"

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().get(request, *args, **kwargs)
        # No operation asks for Django's token, and with one the script would be another at each request.
        response.data["csrf_token"] = ""
        return response


class RedocView(_OwnFilesOnly, SpectacularRedocView):
    url_name = "schema"
    template_name = "docs/redoc.html"
