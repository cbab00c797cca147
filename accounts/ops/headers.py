from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# Django's admin has no inline script and no inline style. The QR code of an authenticator app is an image in its page.
ADMIN_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
# For answers that are no pages: they load nothing. Each page outside the admin has its own policy.
DEFAULT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class HeadersMiddleware:
    """A Content-Security-Policy for every answer (OWASP ASVS 5.0, 3.4.3), and no caching of the admin (14.3.2)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith("/admin/"):
            response.headers["Content-Security-Policy"] = ADMIN_POLICY
            response.headers["Cache-Control"] = "no-store"
        else:
            response.headers.setdefault("Content-Security-Policy", DEFAULT_POLICY)
        return response
