from django.db import transaction

from accounts.core.context import ClientContext
from accounts.models import Session
from accounts.models.security_event import EventKind
from accounts.services import audit, changes, users


def change_profile(*, session: Session, username: str | None, avatar_url: str | None, context: ClientContext) -> None:
    """Sets the values that are not None in the profile of the user of `session`.

    Raises AccountErrors for values that are not allowed, and AccountError(USERNAME_TAKEN).
    """
    user = session.user
    values = changes.clean(user, username=username, avatar_url=avatar_url)
    if not values:
        return
    with transaction.atomic(durable=True):
        users.set_profile(user, values)
        audit.record(EventKind.PROFILE_CHANGED, context, user=user, session_id=session.pk)
