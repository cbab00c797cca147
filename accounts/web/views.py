"""The pages for links in mails. A GET shows a page and changes nothing, so that a mail scanner that follows links
spends none. The page's button posts the values of the link.

No page reads a cookie: only the link gives the right to act. So no CSRF token is needed.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from tempfile import SpooledTemporaryFile

from django.core.serializers.json import DjangoJSONEncoder
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.api.common.context import client_context
from accounts.api.common.errors import PASSES, with_status
from accounts.core.context import ClientContext, Dialect
from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.delete_own_account import keep_account as keep
from accounts.flows.export_own_data import fetch_export
from accounts.flows.report_not_me import report_not_me
from accounts.flows.report_not_registered import report_not_registered
from accounts.flows.request_password_reset import request_password_reset
from accounts.flows.resend_verification import resend_verification
from accounts.flows.reset_password import reset_password
from accounts.flows.verify_email import verify_email
from accounts.services import pauses

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# The most bytes of a data export that are kept in memory.
MOST_IN_MEMORY = 1_000_000
View = Callable[..., HttpResponseBase]


def page(view: View) -> View:
    """Wraps a view: its answer carries no script, is not cached, and sends no referrer.

    A temporary refusal that the view raises is shown as a page too.
    """

    @never_cache
    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
        try:
            response = view(request, **kwargs)
        except AccountError as refusal:
            response = _not_now(request, refusal)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        return response

    return guarded


@page
@require_safe
def front(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/front.html")


@page
@require_safe
def passkeys(request: HttpRequest) -> HttpResponse:
    """The page to add a passkey and to log in with one. It is the only one with a script, which calls the AuthApi."""
    response = render(request, "pages/passkeys.html")
    response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; script-src 'self'; connect-src 'self'"
    return response


@page
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "pages/verify.html", {"key": request.GET.get("key", "").strip()})
    try:
        verify_email(key=request.POST.get("key", "").strip(), context=_client(request))
    except AccountError as refusal:
        _raise_if_it_passes(refusal)
        if refusal.code is ErrorCode.EMAIL_ALREADY_VERIFIED:
            return _done(request, _("Your address is already verified"), _("You can close this page."))
        return _spent(request, again="verify-email-again")
    return _done(request, _("Your address is verified"), _("You can close this page."))


@page
@require_POST
def verify_again(request: HttpRequest) -> HttpResponse:
    resend_verification(email=request.POST.get("email", "").strip(), context=_client(request))
    return _on_its_way(request)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "pages/reset.html", {"token": request.GET.get("token", "").strip()})
    token, password = request.POST.get("token", "").strip(), request.POST.get("password1", "")
    problems: tuple[str, ...] = ()
    refusal = None
    if password != request.POST.get("password2", ""):
        problems = (_("The two password fields didn't match."),)
    else:
        try:
            reset_password(token=token, password=password, context=_client(request))
        except AccountError as error:
            if error.code is ErrorCode.INVALID_RESET_TOKEN:
                return _spent(request, again="reset-password-again")
            refusal, problems = error, error.sentences
    if problems:
        answer = render(request, "pages/reset.html", {"token": token, "problems": problems}, status=400)
        return with_status(answer, refusal)
    return _done(request, _("Your password is changed"), _("Every session was ended. Log in with the new password."))


@page
@require_POST
def reset_again(request: HttpRequest) -> HttpResponse:
    request_password_reset(email=request.POST.get("email", "").strip(), context=_client(request))
    return _on_its_way(request)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def not_me(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "pages/not_me.html", {"key": request.GET.get("key", "").strip()})
    try:
        report_not_me(key=request.POST.get("key", "").strip(), context=_client(request))
    except AccountError as refusal:
        _raise_if_it_passes(refusal)
        return _spent(request, again="reset-password-again")
    return _done(
        request,
        _("Your account is safe again"),
        _("Every session was ended and the password no longer works. A mail to choose a new one is on its way."),
    )


def _raise_if_it_passes(refusal: AccountError) -> None:
    if refusal.code in PASSES:
        raise refusal


def _not_now(request: HttpRequest, refusal: AccountError) -> HttpResponse:
    values = {"title": _("Not now"), "text": refusal.sentences[0]}
    return with_status(render(request, "pages/message.html", values), refusal)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def not_registered(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "pages/not_registered.html", {"key": request.GET.get("key", "").strip()})
    try:
        report_not_registered(key=request.POST.get("key", "").strip(), context=_client(request))
    except AccountError as refusal:
        _raise_if_it_passes(refusal)
        return _spent(request, again="reset-password-again")
    return _done(request, _("The account is deleted"), _("Your address is free again. You can close this page."))


@page
@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest) -> HttpResponseBase:
    """The button answers with the file. A client that reads it slowly does not hold a database connection."""
    if request.method != "POST":
        return render(request, "pages/export.html", {"key": request.GET.get("key", "").strip()})
    try:
        sections = fetch_export(key=request.POST.get("key", "").strip(), context=_client(request))
    except AccountError as refusal:
        _raise_if_it_passes(refusal)
        return _over(request, _("It was used already, or it is older than a day. Ask for a new copy of your data."))
    # In memory while it is small, otherwise in a private temporary file.
    file = SpooledTemporaryFile(max_size=MOST_IN_MEMORY)  # noqa: SIM115 (the response closes it)
    for part in _written(sections):
        file.write(part.encode())
    file.seek(0)
    pauses.give_connection_back()
    return FileResponse(file, as_attachment=True, filename="account-data.json", content_type="application/json")


def _written(sections: Iterable[tuple[str, Iterable[Mapping[str, object]]]]) -> Iterator[str]:
    """One JSON object with a list for each section, yielded in pieces."""
    yield "{"
    for number, (name, rows) in enumerate(sections):
        yield f"{',' if number else ''}\n{json.dumps(name)}: ["
        for place, row in enumerate(rows):
            yield f"{',' if place else ''}\n{json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)}"
        yield "]"
    yield "\n}\n"


@page
@require_http_methods(["GET", "HEAD", "POST"])
def keep_account(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "pages/keep_account.html", {"key": request.GET.get("key", "").strip()})
    try:
        keep(key=request.POST.get("key", "").strip(), context=_client(request))
    except AccountError as refusal:
        _raise_if_it_passes(refusal)
        return _over(request, _("The account is kept already, or it is deleted by now."))
    text = _("You can log in again. If it was not you who wanted to delete it, choose a new password.")
    return _done(request, _("Your account is kept"), text)


def _over(request: HttpRequest, text: str) -> HttpResponse:
    values = {"title": _("This link no longer works"), "text": text}
    return render(request, "pages/message.html", values, status=400)


def _client(request: HttpRequest) -> ClientContext:
    return client_context(request, Dialect.PAGES)


def _done(request: HttpRequest, title: str, text: str) -> HttpResponse:
    return render(request, "pages/message.html", {"title": title, "text": text})


def _spent(request: HttpRequest, *, again: str) -> HttpResponse:
    return render(request, "pages/spent.html", {"again": again}, status=400)


def _on_its_way(request: HttpRequest) -> HttpResponse:
    """The page is the same for every address, so that a stranger learns nothing."""
    text = _("If this address belongs to an account, a mail is on its way. Look into the spam folder, too.")
    return _done(request, _("Look into your mailbox"), text)
