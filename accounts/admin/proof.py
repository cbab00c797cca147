"""Asks an administrator once more who they are, before what cannot be undone."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
"""What nobody may do from a browser that was left alone: the administrator has to have proved who they are lately."""

from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from accounts.admin.factors import CodeField
from accounts.api.common.authentication import admin_session
from accounts.api.common.context import client_context
from accounts.core import clock
from accounts.core.context import Dialect
from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.reauthenticate import reauthenticate
from accounts.services import sessions


class ProofForm(forms.Form):
    """A password, or a code of a second factor. next: the page that asked for it."""

    next = forms.CharField(max_length=2000, required=False, widget=forms.HiddenInput)


from accounts.models import Session
from accounts.services import sessions


def ask_for_proof(request: HttpRequest, *, back_to: str) -> HttpResponse | None:
    """None where the last proof is recent enough; else the way to the page that asks for one.

    back_to: where that page leads.
    """
    try:
        sessions.check_recent(cast(Session, admin_session(request)), now=clock.now())
    except AccountError:
        messages.warning(request, _("Prove first that it is you. Then do it again."))
        return HttpResponseRedirect(f"{reverse('admin_proof')}?{urlencode({'next': back_to})}")
    return None


class ProofForm(forms.Form):
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class ProofOrCodeForm(ProofForm):
    """For who has a second factor."""

    code = CodeField(required=False)


def ask_first(request: HttpRequest) -> HttpResponse | None:
    """The way to the page that asks, None for who has proved within ten minutes who they are."""
    session = admin_session(request)
    try:
        if session is not None:
            sessions.check_recent(session, now=clock.now())
            return None
    except AccountError:
        pass
    query = urlencode({"next": request.get_full_path()})
    return HttpResponseRedirect(f"{reverse('admin_proof')}?{query}")


def prove(request: HttpRequest) -> HttpResponse:
    session = admin_session(request)
    if session is None:
        return HttpResponseRedirect(reverse("admin:login"))
    form_class = ProofOrCodeForm if session.user.has_second_factor else ProofForm
    form = form_class(request.POST or None, initial={"next": request.GET.get("next", "")})
    if form.is_valid():
        values = form.cleaned_data
        proof = {"code": values["code"]} if values.get("code") else {"password": values["password"]}
        context = client_context(request, Dialect.ADMIN).by_user(session.user_id)
        try:
            reauthenticate(session=session, context=context, **proof)
        except AccountError as error:
            _say(form, error)
        else:
            return HttpResponseRedirect(_wanted(request, values["next"]))
    page: dict[str, Any] = {"title": _("Prove who you are"), "subtitle": None, "form": form}
    return render(request, "admin/proof.html", {**admin.site.each_context(request), **page})


def _say(form: forms.Form, error: AccountError) -> None:
    if error.code is ErrorCode.WRONG_PASSWORD:
        form.add_error("password", _("This password is wrong."))
    else:
        form.add_error("code" if error.code is ErrorCode.INVALID_CODE else None, error.sentences[0])


def _wanted(request: HttpRequest, url: str) -> str:
    is_ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if is_ours else reverse("admin:index")


    code = CodeField(required=False)
    next = forms.CharField(max_length=2000, required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        if not (self.cleaned_data.get("password") or self.cleaned_data.get("code")):
            raise forms.ValidationError(_("Fill in one of them."))
        return self.cleaned_data


def prove(request: HttpRequest) -> HttpResponse:
    """Asks for the password, or a code of who has a second factor."""
    session = cast(Session, admin_session(request))
    form = ProofForm(request.POST or None, initial={"next": request.GET.get("next", "")})
    if not session.user.has_second_factor:
        del form.fields["code"]
    if form.is_valid():
        values = form.cleaned_data
        try:
            reauthenticate(
                session=session,
                password=values["password"],
                code=values.get("code") or None,
                context=client_context(request, Dialect.ADMIN).by_user(session.user_id),
            )
        except AccountError as error:
            form.add_error(*_told(error))
        else:
            return HttpResponseRedirect(_within_admin(request, values["next"]))
    page = {**admin.site.each_context(request), "title": _("Prove that it is you"), "subtitle": None, "form": form}
    return render(request, "admin/proof.html", page)


def _told(error: AccountError) -> tuple[str | None, Any]:
    """Which field a refusal is about, and what is said of it."""
    if error.code is ErrorCode.INVALID_CODE:
        return "code", error.sentences[0]
    if error.code is ErrorCode.WRONG_PASSWORD:
        return "password", _("This password is wrong.")
    return None, error.sentences[0]


def _within_admin(request: HttpRequest, url: str) -> str:
    is_ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if is_ours and url.startswith("/admin/") else reverse("admin:index")
