from django.db import transaction

from accounts.core.context import ClientContext
from accounts.core.errors import AccountErrors
from accounts.models import Session
from accounts.models.security_event import EventKind
from accounts.services import audit, identity


def change_profile(*, session: Session, username: str | None, avatar_url: str | None, context: ClientContext) -> None:
    """Sets what is not None of the profile of the user behind `session`.

    Raises AccountErrors for values that cannot be had and AccountError(USERNAME_TAKEN).
    """
    user = session.user
    cleaned = {"username": user.username, "avatar_url": user.avatar_url}

    def clean_username() -> None:
        if username is not None:
            cleaned["username"] = identity.clean_username(username)

    def clean_avatar_url() -> None:
        if avatar_url is not None:
            cleaned["avatar_url"] = identity.clean_avatar_url(avatar_url)

    AccountErrors.gather(clean_username, clean_avatar_url)
    with transaction.atomic(durable=True):
        identity.rename(user, **cleaned)
        audit.record(EventKind.PROFILE_CHANGED, context, user=user, session_id=session.pk)
