"""Asks administrators for a proof of identity before acts that cannot be undone."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from accounts.admin.factors import CodeField, CredentialField
from accounts.api.common.authentication import admin_session
from accounts.api.common.context import client_context
from accounts.api.common.errors import with_status
from accounts.core import clock
from accounts.core.context import Dialect
from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.log_in_with_passkey import begin_login
from accounts.flows.reauthenticate import reauthenticate
from accounts.services import sessions
from accounts.services.factors import passkeys


class ProofForm(forms.Form):
    """A password, or another proof of a subclass. next: the page that asked for it."""

    next = forms.CharField(max_length=2000, required=False, widget=forms.HiddenInput)
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def clean(self) -> dict[str, Any]:
        if not self.proof():
            raise forms.ValidationError(_("Fill in one of them."))
        return self.cleaned_data

    def proof(self) -> dict[str, Any]:
        """The filled-in proof as arguments of reauthenticate(); empty without one."""
        values = self.cleaned_data
        if isinstance(values.get("credential"), dict):
            return {"passkey": (values["state"], values["credential"])}
        return {name: values[name] for name in ("code", "password") if values.get(name)}


class ProofOrFactorForm(ProofForm):
    """For users with a second factor: a code, or the answer of a passkey. state: of the passkey's ceremony."""

    code = CodeField(required=False)
    state = forms.CharField(max_length=2000, required=False, widget=forms.HiddenInput)
    credential = CredentialField(required=False, widget=forms.HiddenInput)


def ask_first(request: HttpRequest, *, back_to: str = "") -> HttpResponse | None:
    """A redirect to the page that asks; None if the administrator gave a proof within the last ten minutes.

    back_to: the page to go to afterwards, if the present page cannot be opened without its posted values.
    """
    session = admin_session(request)
    try:
        if session is not None:
            sessions.check_recent(session, now=clock.now())
            return None
    except AccountError:
        pass
    if back_to:
        messages.warning(request, _("Prove first that it is you. Then do it again."))
    query = urlencode({"next": back_to or request.get_full_path()})
    return HttpResponseRedirect(f"{reverse('admin_proof')}?{query}")


def prove(request: HttpRequest) -> HttpResponse:
    session = admin_session(request)
    if session is None:
        return HttpResponseRedirect(reverse("admin:login"))
    form_class = ProofOrFactorForm if session.user.has_second_factor else ProofForm
    form = form_class(request.POST or None, initial={"next": request.GET.get("next", "")})
    refusal = None
    if form.is_valid():
        context = client_context(request, Dialect.ADMIN).by_user(session.user_id)
        try:
            reauthenticate(session=session, context=context, **form.proof())
        except AccountError as error:
            refusal = error
            _say(form, error)
        else:
            return HttpResponseRedirect(_wanted(request, form.cleaned_data["next"]))
    page: dict[str, Any] = {"title": _("Prove who you are"), "subtitle": None, "form": form}
    if session.user.has_second_factor and passkeys.of(session.user).exists():
        # Each try needs a new state.
        begun = begin_login()
        fresh = {"next": str(form["next"].value() or ""), "state": begun.state, "credential": ""}
        form.initial = fresh
        form.data = fresh if form.is_bound else form.data
        page["options"] = begun.options
    answer = render(request, "admin/proof.html", {**admin.site.each_context(request), **page})
    return with_status(answer, refusal)


def _say(form: forms.Form, error: AccountError) -> None:
    if error.code is ErrorCode.WRONG_PASSWORD:
        form.add_error("password", _("This password is wrong."))
    else:
        form.add_error("code" if error.code is ErrorCode.INVALID_CODE else None, error.sentences[0])


def _wanted(request: HttpRequest, url: str) -> str:
    is_ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if is_ours and url.startswith(reverse("admin:index")) else reverse("admin:index")
