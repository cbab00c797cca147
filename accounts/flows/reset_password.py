from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Session, User, VerificationCode
from accounts.models.security_event import EventKind
from accounts.models.session import EndReason
from accounts.services import (
    addresses,
    audit,
    codes,
    idempotency,
    limits,
    links,
    mail,
    names,
    passwords,
    pauses,
    sessions,
    users,
)


@pauses.answers_evenly
def reset_password(*, token: str, uid: str | None = None, password: str, context: ClientContext) -> None:
    """Sets a new password for the account that the mailed `token` belongs to, and ends all its sessions.

    uid: from the mailed link, if the client sends it; the token contains the same. Raises
    AccountError(INVALID_RESET_TOKEN), the same for a bad uid and a bad token, and AccountError(PASSWORD_INVALID), which
    leaves the token unspent; AccountError(RATE_LIMITED) and AccountError(OVERLOADED).
    """
    tries = limits.by_place(limits.WRONG_KEYS_PER_IP, context)
    limits.take(*tries)
    user = users.find_by_uid(links.reset_token_uid(token))
    is_good = links.reset_token_is_good(user or users.nobody(), token)
    if user is None or not is_good or uid not in (None, links.reset_uid(user)):
        raise AccountError(ErrorCode.INVALID_RESET_TOKEN)
    limits.give_back(*tries)
    passwords.validate(password, user)
    new_hash = passwords.make_hash(password)
    with transaction.atomic(durable=True):
        # The token is bound to the old hash. Replacing that hash spends the token, and only one request can replace it.
        if not passwords.swap(user, to=new_hash, mailbox_proved_at=clock.now()):
            raise AccountError(ErrorCode.INVALID_RESET_TOKEN)
        _settle_reset(user, context.by_user(user.pk))
        idempotency.note(context)


@pauses.answers_evenly
def reset_password_with_code(*, email: str, password: str, code: str, context: ClientContext) -> None:
    """Sets a new password for the person with the code mailed to `email`, verifies `email`, and ends all sessions.

    Raises AccountError(EMAIL_INVALID), AccountError(PASSWORD_INVALID), AccountError(INVALID_CODE), and only with the
    right code AccountError(USER_NOT_FOUND), also for staff, for whom six digits are too few. Only a wrong code costs a
    try (contract, Durudex). Raises AccountError(RATE_LIMITED) and AccountError(OVERLOADED).
    """
    email = names.clean_email(email)
    user = users.find_by_email(email)
    passwords.validate(password, User(email=email))
    # Without the code, nobody may learn what the password is too similar to. It is checked here anyway: a validator may
    # use the network, and no transaction may wait for that.
    refusal = None
    try:
        passwords.validate(password, user or User(email=email))
    except AccountError as error:
        refusal = error
    new_hash = passwords.make_hash(password)
    now = clock.now()
    with codes.one_try(email) as attempt, transaction.atomic(durable=True):
        attempt.is_right = codes.spend(VerificationCode, email, code, now=now)
        if not attempt.is_right:
            audit.record(EventKind.CODE_REFUSED, context, user=user)
        elif user is None or user.is_staff or user.is_superuser:
            raise AccountError(ErrorCode.USER_NOT_FOUND)
        elif refusal:
            raise refusal
        else:
            if not passwords.swap(user, to=new_hash, mailbox_proved_at=now):
                raise AccountError(ErrorCode.USER_NOT_FOUND)
            context = context.by_user(user.pk)
            if addresses.set_verified(user, True):
                audit.record(EventKind.EMAIL_VERIFIED, context, user=user)
            _settle_reset(user, context)
    if not attempt.is_right:
        raise AccountError(ErrorCode.INVALID_CODE)


def _settle_reset(user: User, context: ClientContext) -> None:
    these = Session.objects.filter(user=user)
    sessions.end(these, reason=EndReason.PASSWORD_RESET, context=context, now=clock.now())
    audit.record(EventKind.PASSWORD_RESET, context, user=user)
    mail.password_changed(user, context)
