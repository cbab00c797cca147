"""How many sessions and mails there are, for the monitoring of the server."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min

from accounts.models import Message, Session, SigningKey
from accounts.models.message import MessageState


@dataclass(frozen=True, kw_only=True)
class MailFigures:
    """due, dead: the number of mails. oldest_due: how long the oldest due mail has waited; 0 if none waits."""

    due: int
    oldest_due: timedelta
    dead: int


@dataclass(frozen=True, kw_only=True)
class Figures:
    """live_sessions, due_mails, dead_mails: numbers. oldest_due_mail: how long the oldest due mail has waited.

    signing_key_age: how long the present key has been signing; None before the first key.
    """

    live_sessions: int
    due_mails: int
    oldest_due_mail: timedelta
    dead_mails: int
    signing_key_age: timedelta | None


def mail(now: datetime, *, most: int | None = None) -> MailFigures:
    """Runs two statements. most: the highest number that is counted of each, so that a long queue costs no more."""
    due = Message.objects.due(now).order_by("due_at")[:most].aggregate(count=Count("pk"), oldest=Min("due_at"))
    return MailFigures(
        due=due["count"],
        oldest_due=now - due["oldest"] if due["oldest"] else timedelta(0),
        dead=Message.objects.filter(state=MessageState.DEAD)[:most].count(),
    )


def read(now: datetime) -> Figures:
    """Counts each table. The count of sessions reads the part of an index that holds live sessions."""
    signing = SigningKey.objects.verifying(now).filter(signs_from__lte=now).first()
    mails = mail(now)
    return Figures(
        live_sessions=Session.objects.filter(ended_at=None, expires_at__gt=now).count(),
        due_mails=mails.due,
        oldest_due_mail=mails.oldest_due,
        dead_mails=mails.dead,
        signing_key_age=now - signing.signs_from if signing else None,
    )
