from django.http import HttpRequest
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts.core.conf import conf


def is_from_elsewhere(request: HttpRequest | Request) -> bool:
    """Whether a browser sends a write from a site that is neither ours nor allowed by CORS_ALLOWED_ORIGINS."""
    origin = request.META.get("HTTP_ORIGIN")
    own = f"{request.scheme}://{request.get_host()}"
    return request.method not in SAFE_METHODS and origin not in (None, own, conf.public_url, *conf.browser_origins)


def check_origin(request: Request) -> None:
    """Raises PermissionDenied for a write that a browser sends from a site that is neither ours nor allowed by
    CORS_ALLOWED_ORIGINS; what is no browser names no origin.

    SameSite keeps a cookie from most of them, but not from a page of a site on the same domain.
    """
    if is_from_elsewhere(request):
        raise PermissionDenied
