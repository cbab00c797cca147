from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware


class AdminCookiesMiddleware:
    """Django's four middlewares that live on cookies (session, CSRF token, login, messages), for the admin alone.

    In the dialects and on the pages a token or a key says who asks, so Django's cookies mean nothing there, and no
    request outside the admin pays for looking at them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.without_cookies = get_response
        self.csrf = CsrfViewMiddleware(AuthenticationMiddleware(MessageMiddleware(get_response)))
        self.with_cookies = SessionMiddleware(self.csrf)

    def __call__(self, request: HttpRequest) -> Any:
        return self.with_cookies(request) if _is_for_admin(request) else self.without_cookies(request)

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponseBase | None:
        return self.csrf.process_view(request, *view) if _is_for_admin(request) else None


def _is_for_admin(request: HttpRequest) -> bool:
    return request.path_info.startswith("/admin/")
