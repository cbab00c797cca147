from django.db import transaction

from accounts.core.context import ClientContext
from accounts.services import saved_views


def save_view(*, page: str, name: str, query: str, context: ClientContext) -> None:
    """Saves a search and filters of a list of the admin for the administrator of `context`.

    page: the list, such as "accounts.session". name: 1 to 60 characters. query: at most 500 characters. Raises
    NameTakenError and TooManyViewsError (services/saved_views.py).
    """
    if context.actor.user_id is None:
        raise ValueError("views belong to an administrator")
    with transaction.atomic(durable=True):
        saved_views.save(context.actor.user_id, page=page, name=name, query=query)


def delete_saved_view(*, view_id: int, context: ClientContext) -> bool:
    """Deletes a saved view; False if the administrator of `context` has no such view."""
    if context.actor.user_id is None:
        return False
    with transaction.atomic(durable=True):
        return saved_views.delete(context.actor.user_id, view_id=view_id)
