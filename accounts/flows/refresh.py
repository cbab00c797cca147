from datetime import datetime, timedelta
from typing import NoReturn

from django.db import transaction

from accounts.core import clock, metrics
from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.core.results import TokenPair
from accounts.models import Session
from accounts.models.security_event import EventKind
from accounts.models.session import EndReason
from accounts.services import audit, mail, sessions, users

# A visit is noted at most once an hour, so that frequent refreshes do not also write the user's row.
VISIT_PRECISION = timedelta(hours=1)


def refresh(*, token: str, context: ClientContext) -> TokenPair:
    """The next tokens of a session, for its current refresh token or, within the grace, for an older one.

    Raises AccountError(TOKEN_NOT_VALID). A token that is used again after the grace ends its session, and the owner
    is told by mail (RFC 9700 §4.14.2).
    """
    now = clock.now()
    # A rotation is one UPDATE, which is a transaction by itself. BEGIN and COMMIT would only cost time.
    used = sessions.rotate(token, now=now)
    metrics.REFRESHES.labels(used.standing.name.lower()).inc()
    if used.current_id is None:
        _end_reused(used.session, context, now=now)
    _note_visit(used.session, now=now)
    return sessions.tokens(used.session, used.current_id, now=now)


def renew_access(*, token: str, context: ClientContext) -> str:
    """An access token for a refresh token that stays the current one: for a wire that cannot send another.

    Raises AccountError(TOKEN_NOT_VALID), and ends the session like refresh() (contract, Durudex).
    """
    now = clock.now()
    used = sessions.use(token, now=now)
    metrics.REFRESHES.labels(used.standing.name.lower()).inc()
    if used.current_id is None:
        _end_reused(used.session, context, now=now)
    _note_visit(used.session, now=now)
    return sessions.access_token(used.session, now=now, lifetime=conf.access_token_lifetime)


def _end_reused(session: Session, context: ClientContext, *, now: datetime) -> NoReturn:
    with transaction.atomic(durable=True):
        these = Session.objects.filter(pk=session.pk)
        if sessions.end(these, reason=EndReason.REFRESH_TOKEN_REUSED, context=context, now=now):
            audit.record(EventKind.REFRESH_TOKEN_REUSED, context, user=session.user, session_id=session.pk)
            mail.refresh_token_reused(session.user, context)
    raise AccountError(ErrorCode.TOKEN_NOT_VALID)


def _note_visit(session: Session, *, now: datetime) -> None:
    if now - session.user.last_visit > VISIT_PRECISION:
        users.note_visit(session.user, now=now)
