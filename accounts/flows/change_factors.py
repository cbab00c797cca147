"""Users add, change and remove their second factors. Each act needs a recent proof of who they are."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Passkey, Session
from accounts.models.security_event import EventKind
from accounts.models.session import EndReason
from accounts.services import audit, challenges, factors, idempotency, mail, sessions
from accounts.services.factors import passkeys, recovery_codes, totp


def offer_totp(*, session: Session, again: str = "") -> totp.Offer:
    """Offers a secret for an authenticator app. It counts after add_totp() gets a code of the app.

    again: the token of an earlier offer, which is shown again while it is valid. Raises AccountError(FACTOR_EXISTS) and
    AccountError(REAUTHENTICATION_REQUIRED).
    """
    sessions.check_recent(session, now=clock.now())
    if totp.find(session.user):
        raise AccountError(ErrorCode.FACTOR_EXISTS)
    return totp.offer(session.user, secret=totp.secret_of(again, session.user_id))


def add_totp(*, session: Session, token: str, code: str, context: ClientContext) -> list[str]:
    """Adds the authenticator app that has shown `code`, and ends the user's other sessions.

    Returns ten recovery codes; earlier ones stop working.

    token: of the offer.
    Raises AccountError(INVALID_OFFER), AccountError(INVALID_CODE), AccountError(FACTOR_EXISTS),
    AccountError(REAUTHENTICATION_REQUIRED) and AccountError(RATE_LIMITED).
    """
    now = clock.now()
    sessions.check_recent(session, now=now)
    user = session.user
    secret = totp.secret_of(token, user.pk)
    if secret is None:
        raise AccountError(ErrorCode.INVALID_OFFER)
    with factors.one_try(str(user.pk)) as attempt:
        step = totp.step_of(secret, code, now=now)
        attempt.is_right = step is not None
    if step is None:
        raise AccountError(ErrorCode.INVALID_CODE)
    factors.check_change(user)
    with transaction.atomic(durable=True):
        # The notice is mailed before the factor is added: "this was not me" removes factors that were added after the
        # notice.
        mail.factor_added(user, context)
        totp.add(user, secret, step, now=clock.now())
        codes = recovery_codes.replace(user, now=now)
        factors.note(user)
        audit.record(EventKind.FACTOR_ADDED, context, user=user, session_id=session.pk, detail="totp")
        _settle(session, context, now=now)
        idempotency.note(context)
    return codes


def remove_totp(*, session: Session, code: str | None = None, context: ClientContext) -> None:
    """Removes the authenticator app, and ends the user's other sessions. With the last factor, recovery codes go too.

    code: of the app, or a recovery code. It replaces a recent proof. Raises AccountError(FACTOR_NOT_FOUND),
    AccountError(INVALID_CODE), AccountError(REAUTHENTICATION_REQUIRED) and AccountError(RATE_LIMITED).
    """
    now = clock.now()
    user = session.user
    if totp.find(user) is None:
        raise AccountError(ErrorCode.FACTOR_NOT_FOUND)
    if code is None:
        sessions.check_recent(session, now=now)
    else:
        with factors.one_try(str(user.pk)) as attempt, transaction.atomic(durable=True):
            attempt.is_right = factors.spend(user, code, context, session=session, now=now) is not None
        if not attempt.is_right:
            raise AccountError(ErrorCode.INVALID_CODE)
    factors.check_change(user)
    with transaction.atomic(durable=True):
        if not totp.remove(user):
            raise AccountError(ErrorCode.FACTOR_NOT_FOUND)
        factors.note(user)
        audit.record(EventKind.FACTOR_REMOVED, context, user=user, session_id=session.pk, detail="totp")
        mail.factor_removed(user, context)
        _settle(session, context, now=now)
        idempotency.note(context)


def offer_passkey(*, session: Session) -> passkeys.Begun:
    """The options of a new passkey. Raises AccountError(REAUTHENTICATION_REQUIRED)."""
    sessions.check_recent(session, now=clock.now())
    return passkeys.begin_registration(session.user)


def add_passkey(
    *, session: Session, state: str, credential: Mapping[str, Any], name: str, context: ClientContext
) -> tuple[Passkey, list[str]]:
    """Adds the passkey that was made for offer_passkey(), and ends the user's other sessions.

    Returns the passkey; and recovery codes if it is the first factor. Raises AccountError(INVALID_PASSKEY),
    AccountError(INVALID_CHALLENGE) for a state that was used before, AccountError(TOO_MANY_PASSKEYS) and
    AccountError(REAUTHENTICATION_REQUIRED).
    """
    now = clock.now()
    sessions.check_recent(session, now=now)
    user = session.user
    factors.check_change(user)
    with transaction.atomic(durable=True):
        sessions.lock_user(user.pk)
        challenges.spend_once(state, user, now=now)
        # The notice is mailed first, as in add_totp().
        mail.factor_added(user, context)
        passkey = passkeys.add(user, state=state, credential=credential, name=name, now=clock.now())
        codes = [] if recovery_codes.left(user) else recovery_codes.replace(user, now=now)
        factors.note(user)
        audit.record(EventKind.FACTOR_ADDED, context, user=user, session_id=session.pk, detail="passkey")
        _settle(session, context, now=now)
        idempotency.note(context)
    return passkey, codes


def rename_passkey(*, session: Session, id: uuid.UUID, name: str) -> Passkey:
    """Renames a passkey. Raises AccountError(FACTOR_NOT_FOUND)."""
    with transaction.atomic(durable=True):
        passkey = passkeys.rename(session.user, id, name)
    if passkey is None:
        raise AccountError(ErrorCode.FACTOR_NOT_FOUND)
    return passkey


def remove_passkey(*, session: Session, id: uuid.UUID, context: ClientContext) -> None:
    """Removes a passkey, and ends the user's other sessions.

    Raises AccountError(FACTOR_NOT_FOUND) and AccountError(REAUTHENTICATION_REQUIRED).
    """
    now = clock.now()
    sessions.check_recent(session, now=now)
    user = session.user
    factors.check_change(user)
    with transaction.atomic(durable=True):
        if not passkeys.remove(user, id=id):
            raise AccountError(ErrorCode.FACTOR_NOT_FOUND)
        factors.note(user)
        audit.record(EventKind.FACTOR_REMOVED, context, user=user, session_id=session.pk, detail="passkey")
        mail.factor_removed(user, context)
        _settle(session, context, now=now)


def replace_recovery_codes(*, session: Session, context: ClientContext) -> list[str]:
    """Makes ten new recovery codes; earlier ones stop working.

    Raises AccountError(FACTOR_NOT_FOUND) for a user without a second factor, and
    AccountError(REAUTHENTICATION_REQUIRED).
    """
    now = clock.now()
    sessions.check_recent(session, now=now)
    user = session.user
    factors.check_change(user)
    with transaction.atomic(durable=True):
        sessions.lock_user(user.pk)
        if set(factors.names(user)) <= {"recovery_code"}:
            raise AccountError(ErrorCode.FACTOR_NOT_FOUND)
        codes = recovery_codes.replace(user, now=now)
        audit.record(EventKind.RECOVERY_CODES_MADE, context, user=user, session_id=session.pk)
        idempotency.note(context)
    return codes


def _settle(session: Session, context: ClientContext, *, now: datetime) -> None:
    these = Session.objects.filter(user=session.user).exclude(pk=session.pk)
    sessions.end(these, reason=EndReason.FACTORS_CHANGED, context=context, now=now)
