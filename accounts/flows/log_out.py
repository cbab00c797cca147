from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.models import Session
from accounts.models.session import EndReason
from accounts.services import sessions


def log_out(*, session: Session, context: ClientContext) -> None:
    """Ends the session at once and in every dialect; one that was ended meanwhile stays as it is."""
    with transaction.atomic(durable=True):
        these = Session.objects.filter(pk=session.pk)
        sessions.end(these, reason=EndReason.LOGGED_OUT, context=context, now=clock.now())
