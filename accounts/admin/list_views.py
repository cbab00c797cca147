"""Views of a list: ready-made ones, and those that administrators save for themselves."""

from collections.abc import Callable, Iterable
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.core.context import ClientContext
from accounts.flows.save_view import delete_saved_view, save_view
from accounts.models import User
from accounts.models.saved_view import LONGEST_NAME, LONGEST_QUERY
from accounts.services import saved_views

# Says whether a list accepts a parameter of this name and value.
IsDeclared = Callable[[str, str], bool]


class SaveForm(forms.Form):
    name = forms.CharField(max_length=LONGEST_NAME)
    query = forms.CharField(max_length=10_000)


def normal(asked: QueryDict, is_declared: IsDeclared) -> str:
    """The search and the filters of a list's query in a fixed order, without the page and unknown parameters."""
    pairs = [(name, value) for name in sorted(asked) for value in asked.getlist(name) if value]
    return urlencode([pair for pair in pairs if pair[0] == SEARCH_VAR or is_declared(*pair)])


def views_of(
    request: HttpRequest, opts: Any, ready: Iterable[tuple[Any, str]], is_declared: IsDeclared
) -> dict[str, Any]:
    """The context for a list's template: its views, and what can be saved or deleted."""
    shown = normal(request.GET, is_declared)

    def view(label: Any, query: str) -> dict[str, Any]:
        # A filter that an upgrade has removed would be refused.
        query = normal(QueryDict(query), is_declared)
        return {"label": label, "query": query, "is_shown": query == shown}

    mine = saved_views.of(cast(User, request.user).pk, page=opts.label_lower)
    saved = [view(each.name, each.query) | {"delete_url": _url(opts, "delete_saved", each.pk)} for each in mine]
    return {
        "ready_views": [view(label, query) for label, query in ready],
        "saved_views": saved,
        "query_to_save": "" if any(each["is_shown"] for each in saved) else shown,
        "save_view_url": _url(opts, "save_view"),
        "longest_name": str(LONGEST_NAME),
    }


def keep(request: HttpRequest, opts: Any, is_declared: IsDeclared, context: ClientContext) -> HttpResponse:
    """Saves the posted view, or says why not, and redirects back to the same list."""
    form = SaveForm(request.POST)
    query = normal(QueryDict(request.POST.get("query", "")), is_declared)
    if not form.is_valid() or not query:
        reason = _("Name the view in 1 to %(most)d letters.") % {"most": LONGEST_NAME}
        messages.error(request, reason)
    elif len(query) > LONGEST_QUERY:
        messages.error(request, _("This search is too long to be saved."))
    else:
        name = form.cleaned_data["name"]
        try:
            save_view(page=opts.label_lower, name=name, query=query, context=context)
        except saved_views.NameTakenError:
            messages.error(request, _("You have a view of this name already."))
        except saved_views.TooManyViewsError:
            reason = _("You have %(most)d views, which is the most. Delete one first.") % {"most": saved_views.MOST}
            messages.error(request, reason)
        else:
            messages.success(request, _("Saved the view “%(name)s”.") % {"name": name})
    return HttpResponseRedirect(f"{_url(opts, 'changelist')}?{query}")


def drop(request: HttpRequest, opts: Any, view_id: int, context: ClientContext) -> HttpResponse:
    if delete_saved_view(view_id=view_id, context=context):
        messages.success(request, _("Deleted the view."))
    else:
        messages.warning(request, _("You have no such view."))
    return HttpResponseRedirect(_url(opts, "changelist"))


def _url(opts: Any, name: str, *args: Any) -> str:
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{name}", args=args)
