"""The common base of the admin's pages: which queries lists accept, and who is acting."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.admin import list_views
from accounts.admin.lists import EndlessList
from accounts.api.common.context import client_context
from accounts.core.context import ClientContext, Dialect
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import User

LONGEST_IN_A_LIST = 40
# The suffixes that Django's filters for booleans, choices and dates add to the name of their field.
FILTER_SUFFIXES = ("__exact", "__isnull", "__gte", "__lt")


def administrator_context(request: HttpRequest) -> ClientContext:
    """The ClientContext of an act of the administrator of `request`."""
    return client_context(request, Dialect.ADMIN).by_administrator(cast(User, request.user).pk)


def is_out_of_reach(user: User, request: HttpRequest) -> bool:
    """Whether `user` is a superuser and the administrator of `request` is none, so that flows refuse the act."""
    return user.is_superuser and not cast(User, request.user).is_superuser


class StrictAdmin(admin.ModelAdmin):
    """A list that accepts only its declared filters and links."""

    # Parameters with which other pages of the admin link to this list.
    linked_by: tuple[str, ...] = ()
    # The column that orders a list with possibly millions of rows, the newest first; "" for a short list.
    newest_by = ""
    # Makes a condition of a typed search; None leaves the search to `search_fields`.
    find: Callable[[str], Q] | None = None
    # Counts beside filters would need all rows.
    show_facets = admin.ShowFacets.NEVER
    # Links to frequent searches: a label, and the query of this list.
    ready_views: tuple[tuple[Any, str], ...] = ()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Django allows every lookup on a model's own fields: `?password__regex=` reads a hash letter by letter."""
        filters = self.get_list_filter(request)
        declared = [str(getattr(each, "parameter_name", each)) for each in filters]
        parameters = {f"{name}{suffix}" for name in declared for suffix in ("", *FILTER_SUFFIXES)}
        return lookup in parameters or lookup in self.linked_by

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EndlessList if self.newest_by else super().get_changelist(request, **kwargs)

    def get_sortable_by(self, request: HttpRequest) -> Any:
        # Any other order than the newest first would need all rows.
        return () if self.newest_by else super().get_sortable_by(request)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        typed = search_term.strip()
        if self.find is None:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(self.find(typed)) if typed else queryset, False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        views = {}
        if self.has_view_permission(request) and self.can_be_asked(request):
            views = list_views.views_of(request, self.opts, self.get_ready_views(), self._is_declared(request))
        return super().changelist_view(request, {**views, **(extra_context or {})})

    def can_be_asked(self, request: HttpRequest) -> bool:
        """Whether the list has a search or filters, which a view could save."""
        return bool(self.get_list_filter(request) or self.get_search_fields(request))

    def get_urls(self) -> list[Any]:
        guarded, name = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        keep, drop = guarded(require_POST(self.keep_view)), guarded(require_POST(self.drop_view))
        return [
            path("views/", keep, name=f"{name}_save_view"),
            path("views/<int:view_id>/delete/", drop, name=f"{name}_delete_saved"),
            *super().get_urls(),
        ]

    def keep_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return list_views.keep(request, self.opts, self._is_declared(request), administrator_context(request))

    def drop_view(self, request: HttpRequest, view_id: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return list_views.drop(request, self.opts, view_id, administrator_context(request))

    def _is_declared(self, request: HttpRequest) -> Callable[[str, str], bool]:
        return lambda name, value: self.lookup_allowed(name, value, request)

    def response_action(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        # "All rows that match" may be a million, so an act takes only the rows of the page.
        if self.newest_by and request.POST.get("select_across", "0") not in ("", "0"):
            raise BadRequest("an act takes the rows of a page")
        return super().response_action(request, queryset)

    def get_ready_views(self) -> tuple[tuple[Any, str], ...]:
        return self.ready_views


def link(row: Any, text: Any = None) -> str:
    """A link to the page of `row`, like Django's links to related rows; "-" for None."""
    if row is None:
        return "-"
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', url, text or str(row))


def shortened(text: str) -> str:
    """The short form of a long text in a list. The row's page and the tooltip show all of it."""
    return format_html('<span title="{}">{}</span>', text, Truncator(text).chars(LONGEST_IN_A_LIST))


class FlowAdmin(StrictAdmin):
    """Pages that make changes through flows, and show refusals as messages."""

    # Django would wrap these views in a transaction. Here transactions belong to the flows.
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
        # The form has checked the name, but somebody took it before the flow ran.
        taken = error.code in (ErrorCode.USERNAME_TAKEN, ErrorCode.EMAIL_TAKEN)
        reason = _("Somebody has just taken this name or address.") if taken else " ".join(error.sentences)
        self.message_user(request, reason, messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())


class ReadOnlyAdmin(StrictAdmin):
    """For rows that are read and never edited by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("user"))
    def of_user(self, row: Any) -> str:
        """For lists of rows that belong to a user."""
        return link(row.user)
