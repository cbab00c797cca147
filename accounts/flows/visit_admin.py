from accounts.core import clock
from accounts.models import Session
from accounts.services import sessions


def visit_admin(*, session_id: str) -> Session | None:
    """The live session, with its user, that the admin's cookie names, and notes that it is used; None for any other."""
    session = sessions.of_admin(session_id)
    if session is not None:
        sessions.note_admin_use(session, now=clock.now())
    return session
