from functools import partial

from django.db import transaction

from accounts.core.context import ClientContext
from accounts.core.errors import AccountErrors
from accounts.models import Session, User
from accounts.models.security_event import EventKind
from accounts.services import audit, changes, users


def change_profile(*, session: Session, username: str | None, avatar_url: str | None, context: ClientContext) -> None:
    """Sets what is not None of the profile of the user behind `session`.

    Raises AccountErrors for values that cannot be had and AccountError(USERNAME_TAKEN).
    """
    user = session.user
    wanted = User(username=user.username, avatar_url=user.avatar_url)
    AccountErrors.gather(
        partial(changes.clean_username, wanted, username),
        partial(changes.clean_avatar_url, wanted, avatar_url),
    )
    with transaction.atomic(durable=True):
        users.rename(user, username=wanted.username, avatar_url=wanted.avatar_url)
        audit.record(EventKind.PROFILE_CHANGED, context, user=user, session_id=session.pk)
