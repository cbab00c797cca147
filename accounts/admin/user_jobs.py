"""An act on all users that a list finds: a page that asks, and a job of the worker that carries it out."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.admin.charts import grouped
from accounts.admin.jobs import start_job_for
from accounts.admin.proof import ask_first
from accounts.models import User
from accounts.models.job import JobKind
from accounts.services.jobs import MOST, PERMISSIONS

# Acts that cannot be undone.
GRAVE = (JobKind.REMOVE_FACTORS, JobKind.DELETE)


def may_ask(request: HttpRequest) -> list[JobKind]:
    """The acts on many users that the administrator may ask for."""
    return [kind for kind in JobKind if request.user.has_perm(PERMISSIONS[kind])]


def all_page(request: HttpRequest, users: QuerySet[User]) -> HttpResponse:
    """On GET, asks for the act on all of `users`; on POST, starts a job."""
    kinds = may_ask(request)
    if not kinds:
        raise PermissionDenied
    form = _form(kinds)(request.POST or None)
    back = f"{reverse('admin:accounts_user_changelist')}?{request.GET.urlencode()}"
    if form.is_valid():
        kind = JobKind(form.cleaned_data["kind"])
        if kind in GRAVE and (asked := ask_first(request, back_to=request.get_full_path())):
            return asked
        return start_job_for(request, kind, users) or HttpResponseRedirect(back)
    # The count of a long list stops at the most users of a job.
    number = users.order_by()[: MOST + 1].count()
    page: dict[str, Any] = {
        "title": _("Act on all of these"),
        "subtitle": None,
        "form": form,
        "back": back,
        "number": grouped(min(number, MOST)),
        "are_too_many": number > MOST,
    }
    return render(request, "admin/accounts/user/all.html", {**admin.site.each_context(request), **page})


def _form(kinds: list[JobKind]) -> type[forms.Form]:
    class KindForm(forms.Form):
        kind = forms.ChoiceField(
            label=_("What is done to each of them"),
            choices=[(kind.value, kind.label) for kind in kinds],
            widget=forms.RadioSelect,
        )

    return KindForm
