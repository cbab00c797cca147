"""The findings of `manage.py authdoctor` in the admin."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts.services import doctor


@require_http_methods(["GET", "POST"])
def checkup(request: HttpRequest) -> HttpResponse:
    """The probes of the network run only when the button is pressed, not when the page is opened."""
    if not request.user.has_perm("accounts.probe_server"):
        raise PermissionDenied
    findings = list(doctor.examine(network=request.method == "POST"))
    page = {
        "title": _("Check the server"),
        "subtitle": None,
        "findings": findings,
        "wrong": sum(len(finding.problems) for finding in findings),
    }
    return render(request, "admin/checkup.html", {**admin.site.each_context(request), **page})
