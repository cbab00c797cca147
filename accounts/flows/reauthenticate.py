from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session
from accounts.models.security_event import EventKind
from accounts.models.session import Method
from accounts.services import audit, challenges, factors, logins, passwords, sessions, users
from accounts.services.factors import passkeys
from accounts.services.limits import LimitReached


def reauthenticate(
    *,
    session: Session,
    password: str | None = None,
    code: str | None = None,
    passkey: tuple[str, Mapping[str, Any]] | None = None,
    context: ClientContext,
) -> None:
    """Notes that the user of `session` has just proved who they are, for acts that need a recent proof.

    Exactly one of `password`, `code` and `passkey` is given. code: of the authenticator app, or a recovery code.
    passkey: the state of a ceremony of begin_login() without a challenge, and its credential. Raises
    AccountError(WRONG_PASSWORD), AccountError(INVALID_CODE), AccountError(INVALID_PASSKEY), AccountError(RATE_LIMITED)
    and AccountError(OVERLOADED).
    """
    if passkey is not None:
        method = _by_passkey(session, *passkey)
    elif code is not None:
        method = _by_code(session, code, context)
    else:
        method = _by_password(session, password or "", context)
    now = clock.now()
    with transaction.atomic(durable=True):
        if not sessions.prove_again(session, method, now=now):
            raise AccountError(ErrorCode.TOKEN_NOT_VALID)
        audit.record(EventKind.REAUTHENTICATED, context, user=session.user, session_id=session.pk)


def _by_password(session: Session, password: str, context: ClientContext) -> Method:
    user = session.user
    counted_as = users.counted_from(session, context)
    try:
        verdict = passwords.prove(password, user, counted_as=counted_as, context=context)
    except LimitReached as refusal:
        if logins.owner_is_told_of(refusal, counted_as=counted_as):
            with transaction.atomic(durable=True):
                logins.tell_of_guessing(user, context, session=session)
        raise
    if not verdict.correct:
        with transaction.atomic(durable=True):
            users.note_lock(user, until=verdict.locks_until)
        passwords.wait_out(verdict)
        raise AccountError(ErrorCode.WRONG_PASSWORD)
    return Method.PASSWORD


def _by_code(session: Session, code: str, context: ClientContext) -> Method:
    with factors.one_try(str(session.user_id)) as attempt, transaction.atomic(durable=True):
        method = factors.spend(session.user, code, context, session=session, now=clock.now())
        attempt.is_right = method is not None
    if method is None:
        raise AccountError(ErrorCode.INVALID_CODE)
    return method


def _by_passkey(session: Session, state: str, credential: Mapping[str, Any]) -> Method:
    now = clock.now()
    proof = passkeys.check(state, credential, user_id=None)
    if proof.passkey.user_id != session.user_id:
        raise AccountError(ErrorCode.INVALID_PASSKEY)
    with transaction.atomic(durable=True):
        challenges.spend_once(state, session.user, now=now)
        if not passkeys.note_use(proof, now=now):
            raise AccountError(ErrorCode.INVALID_PASSKEY)
    return Method.PASSKEY
