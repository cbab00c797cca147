"""What every page of the admin shares: how its lists may be asked for, and who is acting."""

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest

from accounts.api.common.context import client_context
from accounts.core.context import ClientContext, Dialect
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


class ReadOnlyAdmin(StrictAdmin):
    """For rows that are looked at and never edited by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
