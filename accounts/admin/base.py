"""What every page of the admin shares: how its lists may be asked for, and who is acting."""

from typing import Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from accounts.api.common.context import client_context
from accounts.core.context import ClientContext, Dialect
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import User

# What Django's filters for booleans, choices and dates add to the name of their field.
FILTER_SUFFIXES = ("__exact", "__isnull", "__gte", "__lt")


def administrator_context(request: HttpRequest) -> ClientContext:
    """The ClientContext of what the administrator behind `request` does."""
    return client_context(request, Dialect.ADMIN).by_administrator(cast(User, request.user).pk)


def is_out_of_reach(user: User, request: HttpRequest) -> bool:
    """Whether `user` is a superuser and the administrator behind `request` is none: the flows would refuse them."""
    return user.is_superuser and not cast(User, request.user).is_superuser


class StrictAdmin(admin.ModelAdmin):
    """A list that can be asked for by its declared filters and links alone."""

    # Parameters by which other pages of the admin link to this list.
    linked_by: tuple[str, ...] = ()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Django allows every lookup on a model's own fields: `?password__regex=` reads a hash letter by letter."""
        declared = [str(name) for name in self.get_list_filter(request)]
        parameters = {f"{name}{suffix}" for name in declared for suffix in ("", *FILTER_SUFFIXES)}
        return lookup in parameters or lookup in self.linked_by


class FlowAdmin(StrictAdmin):
    """Pages whose changes are made by flows, and whose refusals are messages."""

    # Django wraps these views in a transaction of its own; here transactions belong to the flows.
    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        try:
            return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]
        except AccountError as error:
            return self._refused(request, error)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        try:
            return self._delete_view(request, object_id, extra_context)  # type: ignore[attr-defined]
        except AccountError as error:
            return self._refused(request, error)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        try:
            return super().changelist_view(request, extra_context)
        except AccountError as error:
            return self._refused(request, error)

    def _refused(self, request: HttpRequest, error: AccountError) -> HttpResponse:
        # What the form has checked was true until somebody took the name before the flow did.
        taken = error.code in (ErrorCode.USERNAME_TAKEN, ErrorCode.EMAIL_TAKEN)
        reason = _("Somebody has just taken this name or address.") if taken else " ".join(error.sentences)
        self.message_user(request, reason, messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())


class ReadOnlyAdmin(StrictAdmin):
    """For rows that are looked at and never edited by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
