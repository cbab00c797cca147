import time

from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session
from accounts.models.security_event import EventKind
from accounts.services import audit, changes, idempotency, logins, passwords, sessions, users
from accounts.services.limits import LimitReached
from accounts.services.passwords import Verdict


def change_password(*, session: Session, old_password: str, new_password: str, context: ClientContext) -> None:
    """Sets a new password for the user of `session`, and ends their other sessions.

    old_password: ignored for an account without a password, such as one with only passkeys; it needs a recent proof.
    Raises AccountError(WRONG_PASSWORD), AccountError(REAUTHENTICATION_REQUIRED) for an account without a password,
    AccountError(PASSWORD_INVALID), AccountError(RATE_LIMITED) and AccountError(OVERLOADED).
    """
    user = session.user
    if user.has_usable_password():
        verdict = _look_at(old_password, session, context)
    else:
        sessions.check_recent(session, now=clock.now())
        verdict = Verdict(correct=True, hash=user.password, began=time.monotonic())
    if verdict.correct:
        passwords.validate(new_password, user)
        new_hash = passwords.make_hash(new_password)
    with transaction.atomic(durable=True):
        # Another request has replaced the password meanwhile, so the old one is wrong.
        changed = verdict.correct and passwords.swap(user, to=new_hash)
        if changed:
            changes.password_changed(user, context, session=session)
            idempotency.note(context)
        else:
            users.note_lock(user, until=verdict.locks_until)
            audit.record(EventKind.PASSWORD_CHANGE_FAILED, context, user=user, session_id=session.pk)
    if not changed:
        passwords.wait_out(verdict)
        raise AccountError(ErrorCode.WRONG_PASSWORD)


def _look_at(password: str, session: Session, context: ClientContext) -> Verdict:
    counted_as = users.counted_from(session, context)
    try:
        return passwords.prove(password, session.user, counted_as=counted_as, context=context)
    except LimitReached as refusal:
        if logins.owner_is_told_of(refusal, counted_as=counted_as):
            with transaction.atomic(durable=True):
                logins.tell_of_guessing(session.user, context, session=session)
        raise
