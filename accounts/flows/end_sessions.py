import uuid
from collections.abc import Collection

from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session
from accounts.models.session import EndReason
from accounts.services import idempotency, sessions, users


def end_own_session(*, session: Session, session_id: uuid.UUID, context: ClientContext) -> None:
    """Ends one session of the user of `session`: this one or another.

    Raises AccountError(SESSION_NOT_FOUND) if it is ended, does not exist or belongs to another user.
    """
    now = clock.now()
    with transaction.atomic(durable=True):
        these = Session.objects.filter(pk=session_id, user_id=session.user_id, expires_at__gt=now)
        ended = sessions.end(these, reason=EndReason.ENDED_BY_USER, context=context, now=now)
    if not ended:
        raise AccountError(ErrorCode.SESSION_NOT_FOUND)


def end_other_sessions(*, session: Session, context: ClientContext) -> int:
    """Ends every other session of the user, and returns their number."""
    with transaction.atomic(durable=True):
        sessions.lock_user(session.user_id)
        these = Session.objects.filter(user_id=session.user_id).exclude(pk=session.pk)
        ended = sessions.end(these, reason=EndReason.ENDED_BY_USER, context=context, now=clock.now())
        idempotency.note(context)
    return ended


def end_sessions(
    *,
    user_ids: Collection[uuid.UUID] | None = None,
    session_ids: Collection[uuid.UUID] | None = None,
    context: ClientContext,
) -> int:
    """Ends sessions for an administrator, and returns how many were not ended before.

    user_ids: only the sessions of these users; session_ids: only these sessions; without either, all sessions. Each
    user has a transaction, because all sessions are too many rows to lock at once. Raises
    AccountError(SUPERUSER_PROTECTED) if a user is a superuser and the administrator is none.
    """
    these = Session.objects.all()
    if user_ids is not None:
        these = these.filter(user_id__in=user_ids)
    if session_ids is not None:
        these = these.filter(pk__in=session_ids)
    ended = 0
    owners = these.filter(ended_at=None).order_by("user_id").values_list("user_id", flat=True).distinct()
    owner_ids = list(owners)
    users.protect_superusers(owner_ids, context)
    for user_id in owner_ids:
        with transaction.atomic(durable=True):
            sessions.lock_user(user_id)
            theirs = these.filter(user_id=user_id)
            ended += sessions.end(theirs, reason=EndReason.ENDED_BY_ADMIN, context=context, now=clock.now())
    return ended
