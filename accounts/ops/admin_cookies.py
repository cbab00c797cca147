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
    """What lives on cookies (session, CSRF token, login, messages), for the admin alone.

    In the dialects and on the pages a token or a key says who asks, so Django's cookies mean nothing there, and no
    request outside the admin pays for looking at them.
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
    """In the place of Django's AuthenticationMiddleware: the session row that the cookie names says who acts."""

    def user(request: HttpRequest) -> Any:
        session = admin_session(request)
        # Who has to add a second factor gets to no page but that one.
        return AnonymousUser() if session is None or sessions.must_enrol(session) else session.user

    def middleware(request: HttpRequest) -> Any:
        request.user = SimpleLazyObject(lambda: user(request))  # type: ignore[assignment]
        return get_response(request)

    return middleware


def _is_for_admin(request: HttpRequest) -> bool:
    return request.path_info.startswith("/admin/")
