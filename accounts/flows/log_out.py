from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session
from accounts.models.session import EndReason
from accounts.services import idempotency, sessions


def log_out(*, session: Session, context: ClientContext) -> None:
    """Ends the session at once, in every dialect. A session that was ended meanwhile stays as it is."""
    with transaction.atomic(durable=True):
        these = Session.objects.filter(pk=session.pk)
        sessions.end(these, reason=EndReason.LOGGED_OUT, context=context, now=clock.now())
        idempotency.note(context)


def log_out_by_token(*, session: Session, refresh_token: str, context: ClientContext) -> None:
    """Ends the session of `refresh_token`: this one or another of the same user (contract, Durudex).

    Raises AccountError(TOKEN_NOT_VALID), the same for a worthless token and for one of another user.
    """
    meant = sessions.find(refresh_token)
    if meant.user_id != session.user_id:
        raise AccountError(ErrorCode.TOKEN_NOT_VALID)
    with transaction.atomic(durable=True):
        these = Session.objects.filter(pk=meant.pk)
        sessions.end(these, reason=EndReason.LOGGED_OUT, context=context, now=clock.now())
