"""What a user does with their second factors. Each asks for a recent proof of who they are."""

from datetime import datetime

from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session
from accounts.models.security_event import EventKind
from accounts.models.session import EndReason
from accounts.services import audit, factors, idempotency, mail, sessions
from accounts.services.factors import recovery_codes, totp


def offer_totp(*, session: Session, again: str = "") -> totp.Offer:
    """A secret for an authenticator app, which counts once add_totp() is given a code of it.

    again: the token of an offer, to be shown once more as long as it is good.
    Raises AccountError(FACTOR_EXISTS) and AccountError(REAUTHENTICATION_REQUIRED).
    """
    sessions.check_recent(session, now=clock.now())
    if totp.find(session.user):
        raise AccountError(ErrorCode.FACTOR_EXISTS)
    return totp.offer(session.user, secret=totp.secret_of(again, session.user_id))


def add_totp(*, session: Session, token: str, code: str, context: ClientContext) -> list[str]:
    """Adds the authenticator app that `code` comes from, ends the user's other sessions, and answers recovery codes.

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
    with transaction.atomic(durable=True):
        # Before the factor is: "this was not me" removes what was added since its notice was mailed.
        mail.factor_added(user, context)
        totp.add(user, secret, step, now=clock.now())
        factors.note(user)
        codes = recovery_codes.replace(user, now=now)
        audit.record(EventKind.FACTOR_ADDED, context, user=user, session_id=session.pk, detail="totp")
        _settle(session, context, now=now)
        idempotency.note(context)
    return codes


def remove_totp(*, session: Session, code: str | None = None, context: ClientContext) -> None:
    """Removes the authenticator app, and the recovery codes with it, and ends the user's other sessions.

    code: of the app or a recovery code, in the place of a recent proof.
    Raises AccountError(FACTOR_NOT_FOUND), AccountError(INVALID_CODE), AccountError(REAUTHENTICATION_REQUIRED) and
    AccountError(RATE_LIMITED).
    """
    now = clock.now()
    user = session.user
    if totp.find(user) is None:
        raise AccountError(ErrorCode.FACTOR_NOT_FOUND)
    if code is None:
        sessions.check_recent(session, now=now)
    else:
        with factors.one_try(str(user.pk)) as attempt, transaction.atomic(durable=True):
            attempt.is_right = factors.spend(user, code, now=now) is not None
            if not attempt.is_right:
                audit.record(EventKind.FACTOR_REFUSED, context, user=user, session_id=session.pk)
        if not attempt.is_right:
            raise AccountError(ErrorCode.INVALID_CODE)
    with transaction.atomic(durable=True):
        if not totp.remove(user):
            raise AccountError(ErrorCode.FACTOR_NOT_FOUND)
        factors.note(user)
        audit.record(EventKind.FACTOR_REMOVED, context, user=user, session_id=session.pk, detail="totp")
        mail.factor_removed(user, context)
        _settle(session, context, now=now)
        idempotency.note(context)


def replace_recovery_codes(*, session: Session, context: ClientContext) -> list[str]:
    """Ten new recovery codes; the ones before are dead.

    Raises AccountError(FACTOR_NOT_FOUND) for a user without a second factor, and
    AccountError(REAUTHENTICATION_REQUIRED).
    """
    now = clock.now()
    sessions.check_recent(session, now=now)
    user = session.user
    with transaction.atomic(durable=True):
        sessions.lock_user(user.pk)
        if totp.find(user) is None:
            raise AccountError(ErrorCode.FACTOR_NOT_FOUND)
        codes = recovery_codes.replace(user, now=now)
        audit.record(EventKind.RECOVERY_CODES_MADE, context, user=user, session_id=session.pk)
        idempotency.note(context)
    return codes


def _settle(session: Session, context: ClientContext, *, now: datetime) -> None:
    these = Session.objects.filter(user=session.user).exclude(pk=session.pk)
    sessions.end(these, reason=EndReason.FACTORS_CHANGED, context=context, now=now)
