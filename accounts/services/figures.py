"""How much of everything there is, for who watches the server."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import Message, Session, SigningKey
from accounts.models.message import MessageState
from accounts.services import outbox


@dataclass(frozen=True, kw_only=True)
class Figures:
    """live_sessions, due_mails, dead_mails: how many there are. oldest_due_mail: how long it has waited.

    signing_key_age: since when the key signs that signs now; None before the first one.
    """

    live_sessions: int
    due_mails: int
    oldest_due_mail: timedelta
    dead_mails: int
    signing_key_age: timedelta | None


def read(now: datetime) -> Figures:
    """One count for each table; the one of sessions reads an index as long as there are live sessions."""
    signing = SigningKey.objects.verifying(now).filter(signs_from__lte=now).first()
    return Figures(
        live_sessions=Session.objects.filter(ended_at=None, expires_at__gt=now).count(),
        due_mails=Message.objects.due(now).count(),
        oldest_due_mail=outbox.oldest_due(now=now),
        dead_mails=Message.objects.filter(state=MessageState.DEAD).count(),
        signing_key_age=now - signing.signs_from if signing else None,
    )
