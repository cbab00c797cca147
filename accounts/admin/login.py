"""Login to the admin, logout, and the change of one's own password there.

The admin's cookie names a session row. When that row is ended anywhere, the administrator is logged out at once.
"""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.views import LoginView as DjangoLoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from django.views.generic import FormView

from accounts.admin.entrance import enter
from accounts.admin.factors import challenge_page
from accounts.api.common.authentication import admin_session
from accounts.api.common.context import client_context
from accounts.api.common.errors import PASSES, with_status
from accounts.core.context import Dialect
from accounts.core.errors import AccountError, ErrorCode
from accounts.flows.change_password import change_password
from accounts.flows.log_in import log_in
from accounts.flows.log_out import log_out
from accounts.models import Session
from accounts.models.session import SessionKind
from accounts.services import sessions
from accounts.services.logins import LoggedIn


class PermissionsBackend(ModelBackend):
    """Django's permissions of users and groups, without its login: accounts.flows.log_in does that."""

    def authenticate(self, *args: Any, **credentials: Any) -> None:
        return None


class LoginForm(AdminAuthenticationForm):
    """Django's form. The flow of every login checks the password."""

    logged_in: LoggedIn
    refusal: AccountError | None = None
    # For the second factor that is still needed.
    challenge = ""

    def clean(self) -> dict[str, Any]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if name and password:
            context = client_context(cast(HttpRequest, self.request), Dialect.ADMIN)
            try:
                self.logged_in = log_in(names=(name,), password=password, kind=SessionKind.ADMIN, context=context)
            except AccountError as error:
                self.refusal = error
                if error.code in PASSES:
                    raise ValidationError(error.sentences[0]) from None
                self.challenge = error.data.get("challenge", "")
                raise self.get_invalid_login_error() from None
        return self.cleaned_data


class LoginView(DjangoLoginView):
    form_class = LoginForm
    template_name = "admin/login.html"
    next_page = "admin:index"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        session = admin_session(request)
        if session and sessions.must_enrol(session):
            return HttpResponseRedirect(reverse("admin_own_factor"))
        if admin.site.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        own = {"title": _("Log in"), "subtitle": None, "app_path": self.request.get_full_path()}
        return {**super().get_context_data(**kwargs), **admin.site.each_context(self.request), **own}

    def form_valid(self, form: Any) -> HttpResponse:
        return enter(self.request, form.logged_in.session, self.get_success_url())

    def form_invalid(self, form: Any) -> HttpResponse:
        if not form.challenge:
            return with_status(super().form_invalid(form), form.refusal)
        asked = {"challenge": form.challenge, "next": self.get_redirect_url()}
        return render(self.request, "admin/second_factor.html", challenge_page(self.request, asked))


@require_POST
def log_out_of_admin(request: HttpRequest) -> HttpResponse:
    session = admin_session(request)
    if session is not None:
        context = client_context(request, Dialect.ADMIN).by_user(session.user_id)
        log_out(session=session, context=context)
    request.session.flush()
    page = {**admin.site.each_context(request), "has_permission": False, "title": _("Logged out"), "subtitle": None}
    return render(request, "registration/logged_out.html", page)


class OwnPasswordForm(forms.Form):
    """Django's form would check the old password itself, without a limit."""

    old_password = forms.CharField(label=_("Old password"), strip=False, widget=forms.PasswordInput)
    new_password1 = forms.CharField(label=_("New password"), strip=False, widget=forms.PasswordInput)
    new_password2 = forms.CharField(label=_("New password again"), strip=False, widget=forms.PasswordInput)

    def clean_new_password2(self) -> str:
        if self.cleaned_data.get("new_password1") != self.cleaned_data["new_password2"]:
            raise ValidationError(_("The two password fields didn't match."))
        return str(self.cleaned_data["new_password2"])


class PasswordChangeView(FormView):
    """The admin's page for one's own password. Django's would save it without ending sessions and without a mail."""

    form_class = OwnPasswordForm
    success_url = reverse_lazy("admin:password_change_done")
    template_name = "registration/password_change_form.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **admin.site.each_context(self.request)}

    def form_valid(self, form: Any) -> HttpResponse:
        session = cast(Session, admin_session(self.request))
        try:
            change_password(
                session=session,
                old_password=form.cleaned_data["old_password"],
                new_password=form.cleaned_data["new_password1"],
                context=client_context(self.request, Dialect.ADMIN).by_user(session.user_id),
            )
        except AccountError as error:
            field = "new_password2" if error.code is ErrorCode.PASSWORD_INVALID else "old_password"
            form.add_error(field, " ".join(error.sentences))
            return with_status(self.form_invalid(form), error)
        return HttpResponseRedirect(self.get_success_url())
