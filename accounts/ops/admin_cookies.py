from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.functional import SimpleLazyObject

from accounts.api.common.authentication import admin_session
from accounts.services import sessions


class AdminCookiesMiddleware:
    """Everything that needs cookies (session, CSRF token, login, messages), only for the admin.

    In the dialects and on the pages a token or a key identifies the client. So Django's cookies have no effect there,
    and other requests do not pay for reading them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.without_cookies = get_response
        self.csrf = CsrfViewMiddleware(_authenticating(MessageMiddleware(get_response)))
        self.with_cookies = SessionMiddleware(self.csrf)

    def __call__(self, request: HttpRequest) -> Any:
        return self.with_cookies(request) if _is_for_admin(request) else self.without_cookies(request)

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponseBase | None:
        return self.csrf.process_view(request, *view) if _is_for_admin(request) else None


def _authenticating(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Replaces Django's AuthenticationMiddleware: the user comes from the session row that the cookie names."""

    def user(request: HttpRequest) -> Any:
        session = admin_session(request)
        # An administrator who has to add a second factor can open only that page.
        return AnonymousUser() if session is None or sessions.must_enrol(session) else session.user

    def middleware(request: HttpRequest) -> Any:
        request.user = SimpleLazyObject(lambda: user(request))  # type: ignore[assignment]
        return get_response(request)

    return middleware


def _is_for_admin(request: HttpRequest) -> bool:
    return request.path_info.startswith("/admin/")
