"""A login page for browsers without a front end: password, passkey, mailed code, other providers and the second factor.
It works without JavaScript, except for passkeys.

A login sets the cookie that the routes of FastAPI Users accept too. A form from another site is refused, because it
would log a browser in to a stranger's account.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial, wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.api.common import browser_cookie
from accounts.api.common.context import client_context
from accounts.api.common.errors import with_status
from accounts.api.common.origins import is_from_elsewhere
from accounts.core.conf import conf
from accounts.core.context import ClientContext, Dialect
from accounts.core.errors import AccountError, ErrorCode
from accounts.core.provider import Identity
from accounts.flows.answer_challenge import answer_challenge
from accounts.flows.log_in import log_in
from accounts.flows.log_in_with_code import log_in_with_code, request_login_code
from accounts.flows.log_in_with_passkey import begin_login, log_in_with_passkey
from accounts.flows.log_in_with_provider import log_in_with_provider
from accounts.flows.log_out import log_out as end_session
from accounts.models import Session
from accounts.models.session import SessionKind
from accounts.services import providers, sessions
from accounts.services.logins import LoggedIn
from accounts.web.views import CONTENT_SECURITY_POLICY, View, page

BROWSER: dict[str, Any] = {"kind": SessionKind.BROWSER, "lifetime": browser_cookie.LIFETIME}
# The cookie that binds a login with a provider to the browser that began it.
BINDING = "login-binding"
STATE_LIFETIME = timedelta(seconds=providers.STATE_SECONDS)
LONGEST_FIELD = 5000


def login_page(view: View) -> View:
    """Wraps a page that may run our own script, and whose forms tell us their origin."""

    @page
    @wraps(view)
    def dressed(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
        response = view(request, **kwargs)
        response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; script-src 'self'"
        # With "no-referrer", a browser would not send the origin of a form either.
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    return dressed


def form(view: View) -> View:
    """Wraps a login page, and refuses forms from other sites."""

    @login_page
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponseBase:
        if is_from_elsewhere(request):
            text = _("The form was sent from another site. Open this page yourself.")
            return render(request, "pages/message.html", {"title": _("Not from here"), "text": text}, status=403)
        return view(request)

    return guarded


@form
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        session = _session(request)
        if session is not None:
            return render(request, "pages/logged_in.html", {"user": session.user})
        return _first_page(request)
    name, password = _field(request, "name").strip(), _field(request, "password")
    return _first_step(request, lambda: log_in(names=(name,), password=password, context=_client(request), **BROWSER))


@form
@require_POST
def with_passkey(request: HttpRequest) -> HttpResponse:
    return _first_step(request, lambda: _passkey(request))


@form
@require_http_methods(["GET", "HEAD", "POST"])
def with_code(request: HttpRequest) -> HttpResponse:
    """Asks for an address, then for the code that is mailed to it. It looks the same for every address."""
    email, code = _field(request, "email").strip(), _field(request, "code").strip()
    if not email:
        return render(request, "pages/login_code.html", {"next": _next(request)})
    values = {"email": email, "next": _next(request)}
    try:
        if not code:
            request_login_code(email=email, context=_client(request))
            return render(request, "pages/login_code.html", {**values, "sent": True})
        return _enter(request, log_in_with_code(email=email, code=code, context=_client(request), **BROWSER))
    except AccountError as refusal:
        if refusal.code is ErrorCode.MFA_REQUIRED:
            return _second_page(request, refusal.data["challenge"])
        shown = {**values, "sent": refusal.code is not ErrorCode.EMAIL_INVALID}
        return _refused(request, "pages/login_code.html", refusal, **shown)


@form
@require_POST
def second_factor(request: HttpRequest) -> HttpResponse:
    challenge = _field(request, "challenge")
    try:
        if _field(request, "credential"):
            return _enter(request, _passkey(request, challenge))
        code = _field(request, "code")
        login = answer_challenge(challenge=challenge, code=code, kind=SessionKind.BROWSER, context=_client(request))
        return _enter(request, login)
    except AccountError as refusal:
        if refusal.code in (ErrorCode.INVALID_CODE, ErrorCode.INVALID_PASSKEY):
            return _second_page(request, challenge, refusal)
        return _first_page(request, refusal)


@login_page
@require_safe
def with_provider(request: HttpRequest, provider: str) -> HttpResponse:
    """Sends the browser to the provider."""
    try:
        begun = providers.begin(providers.find(provider), redirect_uri=_callback(provider))
    except AccountError as refusal:
        return _first_page(request, refusal)
    response = HttpResponseRedirect(begun.url)
    _bind(response, json.dumps([begun.binding, _next(request)]))
    return response


@login_page
@require_http_methods(["GET", "HEAD", "POST"])
def from_provider(request: HttpRequest, provider: str) -> HttpResponse:
    """The provider sends the browser back to this page. Apple posts; browsers send the cookie only with a GET."""
    if request.method == "POST":
        return _see(f"{request.path}?{request.POST.urlencode()[:LONGEST_FIELD]}")
    binding, wanted = _bound(request)
    ask = partial(_identity, request, provider, binding)
    try:
        response = _enter(request, log_in_with_provider(ask=ask, context=_client(request), **BROWSER), wanted)
    except AccountError as refusal:
        if refusal.code is ErrorCode.MFA_REQUIRED:
            response = _second_page(request, refusal.data["challenge"], wanted=wanted)
        else:
            response = _first_page(request, refusal)
    _bind(response, "", max_age=timedelta(0))
    return response


@form
@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    session = _session(request)
    if session is not None:
        end_session(session=session, context=_client(request).by_user(session.user_id))
    response = _see(reverse("login"))
    browser_cookie.put(response, "", max_age=timedelta(0))
    return response


def _first_step(request: HttpRequest, proceed: Callable[[], LoggedIn]) -> HttpResponse:
    try:
        return _enter(request, proceed())
    except AccountError as refusal:
        if refusal.code is ErrorCode.MFA_REQUIRED:
            return _second_page(request, refusal.data["challenge"])
        return _first_page(request, refusal)


def _passkey(request: HttpRequest, challenge: str | None = None) -> LoggedIn:
    try:
        credential = json.loads(_field(request, "credential", longest=100_000))
    except (ValueError, RecursionError):
        credential = None
    if not isinstance(credential, dict):
        raise AccountError(ErrorCode.INVALID_PASSKEY)
    state = _field(request, "state")
    return log_in_with_passkey(
        state=state, credential=credential, challenge=challenge, context=_client(request), **BROWSER
    )


def _identity(request: HttpRequest, id: str, binding: str) -> Identity:
    provider = providers.find(id)
    state = providers.read_state(request.GET.get("state", ""), provider=provider, binding=binding)
    code, issuer = request.GET.get("code", ""), request.GET.get("iss")
    device_id = request.GET.get("device_id", "")[:500]
    return providers.identity_by_code(state, code=code, issuer=issuer, device_id=device_id)


def _first_page(request: HttpRequest, refusal: AccountError | None = None) -> HttpResponse:
    begun = begin_login()
    values = {
        "name": _field(request, "name"),
        "next": _next(request),
        "options": begun.options,
        "state": begun.state,
        "providers": conf.providers.values(),
    }
    if refusal is None:
        return render(request, "pages/login.html", values)
    return _refused(request, "pages/login.html", refusal, **values)


def _second_page(
    request: HttpRequest, challenge: str, refusal: AccountError | None = None, *, wanted: str = ""
) -> HttpResponse:
    values: dict[str, Any] = {"challenge": challenge, "next": wanted or _next(request)}
    try:
        begun = begin_login(challenge=challenge, kind=SessionKind.BROWSER)
    except AccountError as over:
        return _first_page(request, over)
    if begun.options.get("allowCredentials"):
        values |= {"options": begun.options, "state": begun.state}
    if refusal is None:
        return render(request, "pages/login_second.html", values)
    return _refused(request, "pages/login_second.html", refusal, **values)


def _refused(request: HttpRequest, template: str, refusal: AccountError, **values: Any) -> HttpResponse:
    return with_status(render(request, template, {**values, "problems": refusal.sentences}, status=400), refusal)


def _enter(request: HttpRequest, login: LoggedIn, wanted: str = "") -> HttpResponse:
    response = _see(wanted or _next(request) or reverse("login"))
    browser_cookie.put(response, login.tokens.access)
    return response


def _see(url: str) -> HttpResponse:
    """Redirects the browser to this URL with a GET."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def _session(request: HttpRequest) -> Session | None:
    token = request.COOKIES.get(browser_cookie.NAME)
    try:
        return sessions.authenticate(token, to_enrol=True) if token else None
    except AccountError:
        return None


def _next(request: HttpRequest) -> str:
    """The path of ours to which the browser goes after the login; "" for none."""
    return _own_path(request, str(request.POST.get("next") or request.GET.get("next", "")))


def _own_path(request: HttpRequest, url: str) -> str:
    is_ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if is_ours and url.startswith("/") and len(url) < LONGEST_FIELD else ""


def _bind(
    response: HttpResponse, text: str, *, max_age: timedelta = timedelta(seconds=providers.STATE_SECONDS)
) -> None:
    response.set_cookie(BINDING, text, max_age=max_age, path="/login/", secure=True, httponly=True, samesite="Lax")


def _bound(request: HttpRequest) -> tuple[str, str]:
    """The content of the cookie: the binding, and the path to go to after the login."""
    try:
        binding, wanted = json.loads(request.COOKIES.get(BINDING, "")[:LONGEST_FIELD])
        return str(binding), _own_path(request, str(wanted))
    except (ValueError, TypeError, RecursionError):
        return "", ""


def _callback(provider: str) -> str:
    return f"{conf.public_url}{reverse('login-from-provider', kwargs={'provider': provider})}"


def _field(request: HttpRequest, name: str, *, longest: int = LONGEST_FIELD) -> str:
    return str(request.POST.get(name, ""))[:longest]


def _client(request: HttpRequest) -> ClientContext:
    return client_context(request, Dialect.PAGES)
