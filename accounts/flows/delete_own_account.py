from datetime import datetime

from django.db import transaction

from accounts.core import clock
from accounts.core.conf import conf
from accounts.core.context import ActorKind, ClientContext, Dialect
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session, User
from accounts.models.security_event import EventKind
from accounts.services import audit, changes, limits, links, personal_data, sessions, users


def request_deletion(*, session: Session, context: ClientContext) -> datetime:
    """Deactivates the account of the user of `session`. Returns when it is deleted: after DELETION_GRACE_DAYS.

    The user gets a mail with a link that keeps the account. With 0 days the account is deleted now. Raises
    AccountError(REAUTHENTICATION_REQUIRED), AccountError(LAST_SUPERUSER), and AccountError(TOKEN_NOT_VALID) if another
    request deactivated it at the same moment.
    """
    now = clock.now()
    sessions.check_recent(session, now=now)
    user = session.user
    due_at = now + conf.deletion_grace
    with transaction.atomic(durable=True):
        users.keep_a_superuser(user)
        if due_at == now:
            _delete(user, by=ActorKind.USER, context=context)
            return due_at
        if not changes.close_account(user, context, due_at=due_at, session=session, now=now):
            raise AccountError(ErrorCode.TOKEN_NOT_VALID)
    return due_at


def keep_account(*, key: str, context: ClientContext) -> None:
    """Activates the account again that `key` was mailed to keep.

    Raises AccountError(INVALID_NOTICE_KEY) for a key that is wrong, used or expired, and AccountError(RATE_LIMITED).
    """
    tries = limits.by_place(limits.WRONG_KEYS_PER_IP, context)
    limits.take(*tries)
    with transaction.atomic(durable=True):
        user = links.spend_keep_key(key, now=clock.now())
        if user is None:
            raise AccountError(ErrorCode.INVALID_NOTICE_KEY)
        audit.record(EventKind.DELETION_UNDONE, context.by_user(user.pk), user=user)
    limits.give_back(*tries)


def delete_due_accounts() -> int:
    """Deletes the accounts whose owners asked for it and whose grace is over; returns their number.

    Each account has its own transaction, so several runs at once and requests do not disturb each other.
    """
    context = ClientContext(ip="", user_agent="", language="en", request_id="", dialect=Dialect.COMMAND)
    deleted = 0
    for user_id in users.due_for_deletion(now=clock.now()):
        with transaction.atomic(durable=True):
            user = users.lock_due_for_deletion(user_id, now=clock.now())
            if user is not None:
                _delete(user, by=ActorKind.SERVICE, context=context)
                deleted += 1
    return deleted


def _delete(user: User, *, by: ActorKind, context: ClientContext) -> None:
    """Deletes a user. The event names no person as the actor, because users delete their own accounts here."""
    audit.record(EventKind.DELETED, audit.without_person(context, kind=by))
    personal_data.forget(user)
