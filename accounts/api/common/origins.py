from django.http import HttpRequest
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts.core.conf import conf


def is_from_elsewhere(request: HttpRequest | Request) -> bool:
    """Whether a browser sends a write from a site that is not ours and not in CORS_ALLOWED_ORIGINS."""
    origin = request.META.get("HTTP_ORIGIN")
    own = f"{request.scheme}://{request.get_host()}"
    return request.method not in SAFE_METHODS and origin not in (None, own, conf.public_url, *conf.browser_origins)


def check_origin(request: Request) -> None:
    """Raises PermissionDenied for a write from a browser on a site that is not ours and not in CORS_ALLOWED_ORIGINS.
    Clients that are no browsers send no origin.

    SameSite prevents the cookie on most of these sites, but not on a site of the same domain.
    """
    if is_from_elsewhere(request):
        raise PermissionDenied
