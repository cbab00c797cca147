from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.models import Session, User
from accounts.models.security_event import EventKind
from accounts.services import audit, sessions


def visit_admin(*, session_id: str) -> Session | None:
    """The live session of the admin's cookie, with its user; None without one. Notes that it is used."""
    session = sessions.of_admin(session_id)
    if session is not None:
        sessions.note_admin_use(session, now=clock.now())
    return session


def look_at_user(*, user: User, context: ClientContext) -> None:
    """Records that an administrator opened the page of `user`."""
    with transaction.atomic(durable=True):
        audit.record(EventKind.VIEWED, context, user=user)
