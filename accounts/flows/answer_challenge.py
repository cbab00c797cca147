from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models.session import Method, SessionKind
from accounts.services import challenges, factors, idempotency, logins, users
from accounts.services.logins import LoggedIn, Started


def answer_challenge(
    *, challenge: str, code: str, kind: SessionKind = SessionKind.API, context: ClientContext
) -> LoggedIn:
    """Starts the session that a login could not start without a second factor.

    code: of the authenticator app, or a recovery code. kind: of the session that the login asked for. Raises
    AccountError(INVALID_CHALLENGE) for a challenge that is wrong, used, older than five minutes or tried five times,
    AccountError(INVALID_CODE), AccountError(INVALID_CREDENTIALS) if the password was changed at the same moment,
    AccountError(EMAIL_NOT_VERIFIED) and AccountError(RATE_LIMITED).
    """
    now = clock.now()
    opened = challenges.find(challenge, kind=kind, now=now)
    if opened is None:
        raise AccountError(ErrorCode.INVALID_CHALLENGE)
    user = users.get(opened.user_id)
    if user.password != opened.user.password:
        raise AccountError(ErrorCode.INVALID_CHALLENGE)
    login: Started | AccountError = AccountError(ErrorCode.INVALID_CODE)
    with factors.one_try(opened.counted_as) as attempt:
        if not challenges.take_try(opened, now=now):
            raise AccountError(ErrorCode.INVALID_CHALLENGE)
        with transaction.atomic(durable=True):
            method = factors.spend(user, code, context, now=now)
            attempt.is_right = method is not None
            if method is not None:
                if not challenges.spend(opened, now=now):
                    raise AccountError(ErrorCode.INVALID_CHALLENGE)
                login = logins.finish(
                    user,
                    proved=(*(Method(each) for each in opened.proved.split()), method),
                    # The present hash: the session begins only if no reset has replaced it meanwhile.
                    proved_hash=user.password,
                    kind=kind,
                    lifetime=opened.lifetime,
                    context=context,
                    now=now,
                )
                if isinstance(login, Started):
                    idempotency.note(context)
    if isinstance(login, AccountError):
        raise login
    return logins.with_tokens(login, lifetime=opened.lifetime, now=now)
