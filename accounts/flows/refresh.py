from datetime import timedelta

from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.core.results import TokenPair
from accounts.models import Session
from accounts.models.security_event import EventKind
from accounts.models.session import EndReason
from accounts.services import audit, identity, mail, sessions

# A visit is noted to the hour: a refresh every few minutes need not write the user's row as well.
VISIT_PRECISION = timedelta(hours=1)


def refresh(*, token: str, context: ClientContext) -> TokenPair:
    """The next tokens of a session for its current refresh token, or within the grace for the one before.

    Raises AccountError(TOKEN_NOT_VALID). A token that is used again after the grace ends its session, and the owner
    is told by mail (RFC 9700 §4.14.2).
    """
    now = clock.now()
    # A rotation is one UPDATE, which is a transaction by itself; BEGIN and COMMIT around it would only cost time.
    rotation = sessions.rotate(token, now=now)
    session = rotation.session
    if rotation.head is None:
        with transaction.atomic(durable=True):
            these = Session.objects.filter(pk=session.pk)
            if sessions.end(these, reason=EndReason.REFRESH_TOKEN_REUSED, context=context, now=now):
                audit.record(EventKind.REFRESH_TOKEN_REUSED, context, user=session.user, session_id=session.pk)
                mail.refresh_token_reused(session.user, context)
        raise AccountError(ErrorCode.TOKEN_NOT_VALID)
    if now - session.user.last_visit > VISIT_PRECISION:
        identity.note_visit(session.user, now=now)
    return sessions.tokens(rotation.head, now=now)
