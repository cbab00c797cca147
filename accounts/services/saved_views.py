"""Views of the admin's lists that administrators save for themselves."""

import uuid
from urllib.parse import parse_qsl, quote_plus

from django.db.models import Q

from accounts.models import SavedView, User
from accounts.models.user import canonical

MOST = 30


class NameTakenError(ValueError):
    """The administrator already has a view of this list with this name."""


class TooManyViewsError(ValueError):
    """The administrator already has MOST views."""


def of(user_id: uuid.UUID, *, page: str) -> list[SavedView]:
    """The views of the list `page` that this user has saved, by name; one statement."""
    return list(SavedView.objects.filter(user_id=user_id, page=page).order_by("name"))


def save(user_id: uuid.UUID, *, page: str, name: str, query: str) -> None:
    """Saves a view; called inside a transaction. Raises NameTakenError and TooManyViewsError."""
    # Requests of one user take turns, so that nobody gets more than MOST.
    User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
    mine = SavedView.objects.filter(user_id=user_id)
    if mine.filter(page=page, name=name).exists():
        raise NameTakenError
    if mine.count() >= MOST:
        raise TooManyViewsError
    SavedView.objects.create(user_id=user_id, page=page, name=name, query=query)


def delete(user_id: uuid.UUID, *, view_id: int) -> bool:
    """Deletes a view; False if this user has no such view."""
    return bool(SavedView.objects.filter(user_id=user_id, pk=view_id).delete()[0])


def forget(user: User) -> None:
    """Deletes other users' views that search for the name, address or id of `user`, who is being deleted."""
    names = {user.username_key, user.email_key, str(user.pk), user.pk.hex}
    may_be = Q()
    for typed in (user.username, user.email, str(user.pk), user.pk.hex):
        may_be |= Q(query__icontains=quote_plus(typed))
    found = SavedView.objects.filter(may_be).values_list("pk", "query")
    gone = [pk for pk, query in found if names & {canonical(value.strip()) for _name, value in parse_qsl(query)}]
    if gone:
        SavedView.objects.filter(pk__in=gone).delete()


def export(user: User) -> list[dict[str, object]]:
    """The saved views of a user."""
    columns = ("page", "name", "query", "created_at")
    views = user.saved_views.order_by("page", "name")
    return [{column: getattr(view, column) for column in columns} for view in views]
