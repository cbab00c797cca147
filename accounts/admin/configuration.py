"""The present settings, for administrators with the permission."""

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _


def configuration(request: HttpRequest) -> HttpResponse:
    """Each environment variable with its value. config/shown.py has masked the secrets."""
    if not request.user.has_perm("accounts.view_configuration"):
        raise PermissionDenied
    page = {"title": _("Settings"), "subtitle": None, "variables": settings.VARIABLES}
    return render(request, "admin/configuration.html", {**admin.site.each_context(request), **page})
