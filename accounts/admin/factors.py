"""Second factors in the admin: at the login, and on the administrator's own page to add or remove one."""

import textwrap
from contextlib import suppress
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.generic import FormView

from accounts.admin.entrance import enter
from accounts.api.common.authentication import admin_session
from accounts.api.common.context import client_context
from accounts.api.common.errors import PASSES, with_status
from accounts.core.context import ClientContext, Dialect
from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.answer_challenge import answer_challenge
from accounts.flows.change_factors import add_totp, offer_totp, remove_totp
from accounts.flows.log_in_with_passkey import begin_login, log_in_with_passkey
from accounts.models import Session
from accounts.models.session import SessionKind
from accounts.services.factors import recovery_codes, totp


class CodeField(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        look = {"autocomplete": "one-time-code", "autofocus": True, "autocapitalize": "off", "spellcheck": "false"}
        super().__init__(label=_("Code"), max_length=40, widget=forms.TextInput(attrs=look), **kwargs)


class CredentialField(forms.JSONField):
    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except RecursionError:
            # The JSON is nested too deeply for Python.
            raise ValidationError(self.error_messages["invalid"]) from None


class ChallengeForm(forms.Form):
    """A code, or the answer of a passkey.

    next: the page of the admin that was requested before the login. state: of the passkey's ceremony.
    """

    challenge = forms.CharField(max_length=100, widget=forms.HiddenInput)
    next = forms.CharField(max_length=2000, required=False, widget=forms.HiddenInput)
    state = forms.CharField(max_length=2000, required=False, widget=forms.HiddenInput)
    credential = CredentialField(required=False, widget=forms.HiddenInput)
    code = CodeField(required=False)


class ChallengeView(FormView):
    """The second step of the login. LoginView is the first step, and passes the challenge on."""

    form_class = ChallengeForm
    template_name = "admin/second_factor.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:login"))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = kwargs["form"]
        asked = {name: str(form.data.get(name, "")) for name in ("challenge", "next")}
        return {**super().get_context_data(**kwargs), **challenge_page(self.request, asked, form)}

    def form_valid(self, form: Any) -> HttpResponse:
        values = form.cleaned_data
        context = client_context(self.request, Dialect.ADMIN)
        challenge = {"challenge": values["challenge"], "kind": SessionKind.ADMIN, "context": context}
        try:
            if isinstance(values["credential"], dict):
                signed = {"state": values["state"], "credential": values["credential"]}
                logged_in = log_in_with_passkey(**signed, **challenge)
            else:
                logged_in = answer_challenge(code=values["code"], **challenge)
        except AccountError as error:
            form.add_error("code" if error.code is ErrorCode.INVALID_CODE else None, error.sentences[0])
            return with_status(self.form_invalid(form), error)
        wanted = values["next"]
        if not url_has_allowed_host_and_scheme(
            wanted, {self.request.get_host()}, require_https=self.request.is_secure()
        ):
            wanted = reverse("admin:index")
        return enter(self.request, logged_in.session, wanted)


def challenge_page(request: HttpRequest, asked: dict[str, str], form: ChallengeForm | None = None) -> dict[str, Any]:
    """The context of the second step. asked: `challenge` and `next`. form: a refused one."""
    page: dict[str, Any] = {**admin.site.each_context(request), "title": _("Second factor"), "subtitle": None}
    fresh = {**asked, "state": "", "credential": ""}
    # A challenge that is over has no options. The form already says so.
    with suppress(AccountError):
        begun = begin_login(challenge=asked["challenge"], kind=SessionKind.ADMIN)
        if begun.options.get("allowCredentials"):
            page["options"] = begun.options
            fresh["state"] = begun.state
    if form is not None:
        # Each try with a passkey needs a new state.
        form.data = fresh
    page["form"] = form or ChallengeForm(initial=fresh)
    return page


class NewFactorForm(forms.Form):
    token = forms.CharField(widget=forms.HiddenInput, max_length=1000)
    code = CodeField()


class OldFactorForm(forms.Form):
    code = CodeField()


def own_factor(request: HttpRequest) -> HttpResponse:
    """An administrator's own authenticator app. This is the only page for administrators who must add one first."""
    session = admin_session(request)
    if session is None:
        return HttpResponseRedirect(reverse("admin:login"))
    context = client_context(request, Dialect.ADMIN).by_user(session.user_id)
    page: dict[str, Any] = {"title": _("Second factor"), "subtitle": None}
    refusal = None
    try:
        if totp.find(session.user):
            page |= _remove(request, session, context)
        else:
            page |= _add(request, session, context)
    except AccountError as error:
        refusal = error
        page["refusal"] = error.sentences[0]
    answer = render(request, "admin/own_factor.html", {**admin.site.each_context(request), **page})
    answer = with_status(answer, refusal)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _add(request: HttpRequest, session: Session, context: ClientContext) -> dict[str, Any]:
    form = NewFactorForm(request.POST or None)
    if form.is_valid():
        values = form.cleaned_data
        try:
            codes = add_totp(session=session, token=values["token"], code=values["code"], context=context)
        except AccountError as error:
            if error.code in PASSES:
                raise
            form.add_error("code", error.sentences[0])
        else:
            return {"codes": codes}
    # The shown secret is offered again while it is valid, because a new secret would need a new scan.
    offer = offer_totp(session=session, again=str(form.data.get("token", "")))
    errors = form.errors.get("code")
    form = NewFactorForm(initial={"token": offer.token})
    return {"form": form, "offer": offer, "errors": errors, "secret": " ".join(textwrap.wrap(offer.secret, 4))}


def _remove(request: HttpRequest, session: Session, context: ClientContext) -> dict[str, Any]:
    form = OldFactorForm(request.POST or None)
    if form.is_valid():
        try:
            remove_totp(session=session, code=form.cleaned_data["code"], context=context)
        except AccountError as error:
            if error.code in PASSES:
                raise
            form.add_error("code", error.sentences[0])
        else:
            return {"removed": True}
    return {"form": form, "left": recovery_codes.left(session.user)}
