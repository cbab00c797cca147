"""Lists of any length: pages that continue after the last row, filters with an index, and ready-made views."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.core import clock
from accounts.core.context import Dialect
from accounts.services import addresses, users

OLDER, NEWER = "-", "+"


class EndlessList(ChangeList):
    """The newest rows first, without a count: PostgreSQL would read a whole table for "page 7 of 50,000".

    A page is named after the row before it: "-" or "+", the time of the row, a blank, and its id.
    """

    model_admin: Any
    older = newer = ""
    is_endless = True

    def get_ordering(self, request: HttpRequest, queryset: QuerySet) -> list[str]:
        return [f"-{self.model_admin.newest_by}", "-pk"]

    def get_results(self, request: HttpRequest) -> None:
        row = request.GET.get(PAGE_VAR, "")
        is_back = row.startswith(NEWER)
        rows = self.queryset.filter(self._beyond(row)) if row.startswith((OLDER, NEWER)) else self.queryset
        # One row more tells whether there is another page.
        page = list((rows.reverse() if is_back else rows)[: self.list_per_page + 1])
        goes_on = len(page) > self.list_per_page
        page = page[: self.list_per_page]
        if is_back:
            page.reverse()
        if page and (goes_on or is_back):
            self.older = self.get_query_string({PAGE_VAR: self._name(OLDER, page[-1])})
        if page and (row.startswith(OLDER) or (is_back and goes_on)):
            self.newer = self.get_query_string({PAGE_VAR: self._name(NEWER, page[0])})
        self.result_list = page
        # Values for Django's templates: no count of all rows, and no link that shows all.
        self.result_count = self.full_result_count = len(page)
        self.show_full_result_count = self.can_show_all = self.multi_page = False
        self.show_admin_actions = bool(page)
        self.paginator = self.model_admin.get_paginator(request, page, self.list_per_page)

    @property
    def newest(self) -> str:
        return self.get_query_string()

    def _name(self, direction: str, row: Any) -> str:
        return f"{direction}{getattr(row, self.model_admin.newest_by).isoformat()} {row.pk}"

    def _beyond(self, row: str) -> Q:
        """The condition on rows after the one that names the page."""
        column, way = self.model_admin.newest_by, "lt" if row[0] == OLDER else "gt"
        time, _blank, id = row[1:].partition(" ")
        try:
            at, pk = datetime.fromisoformat(time), self.model._meta.pk.to_python(id)
            if at.tzinfo is None:
                raise ValueError("a time without a zone")
        except (ValueError, ValidationError) as error:
            raise IncorrectLookupParameters from error
        # The first part limits the range of the index that is read.
        return Q(**{f"{column}__{way}e": at}) & (Q(**{f"{column}__{way}": at}) | Q(**{f"pk__{way}": pk}))


class Filter(admin.SimpleListFilter):
    """A filter whose choices are known without a query."""

    choices_: Sequence[tuple[str, Any]] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return self.choices_

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet | None:
        value = self.value()
        return queryset.filter(self.condition(value)) if value in dict(self.choices_) else None

    def condition(self, value: str) -> Any:
        raise NotImplementedError


class DialectFilter(Filter):
    """Django's own filter would read all rows to find the dialects."""

    title = _("dialect")
    parameter_name = "dialect"
    choices_ = tuple((dialect.value, dialect.value) for dialect in Dialect)

    def condition(self, value: str) -> Q:
        return Q(dialect=value)


class VerifiedFilter(Filter):
    title = _("e-mail verified")
    parameter_name = "verified"
    choices_ = (("1", _("Yes")), ("0", _("No")))

    def condition(self, value: str) -> Any:
        return addresses.are_verified() if value == "1" else ~addresses.are_verified()


class LastVisitFilter(Filter):
    title = _("last visit")
    parameter_name = "visited"
    choices_ = (
        ("day", _("Within a day")),
        ("month", _("Within 30 days")),
        ("not-month", _("Not for 30 days")),
        ("not-year", _("Not for a year")),
    )
    ages = {"day": timedelta(days=1), "month": timedelta(days=30), "year": timedelta(days=365)}

    def condition(self, value: str) -> Q:
        before = clock.now() - self.ages[value.removeprefix("not-")]
        return Q(last_visit__lt=before) if value.startswith("not-") else Q(last_visit__gte=before)


class LockedFilter(Filter):
    title = _("locked")
    parameter_name = "locked"
    choices_ = (("1", _("Yes")), ("0", _("No")))

    def condition(self, value: str) -> Q:
        locked = users.locked(now=clock.now())
        return locked if value == "1" else ~locked


class SessionStateFilter(Filter):
    title = _("state")
    parameter_name = "state"
    choices_ = (("live", _("Live")), ("ended", _("Ended")))

    def condition(self, value: str) -> Q:
        live = Q(ended_at=None, expires_at__gt=clock.now(), user__is_active=True)
        return live if value == "live" else ~live
