from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models.security_event import EventKind
from accounts.models.session import Method, SessionKind
from accounts.services import audit, challenges, idempotency, limits, logins, users
from accounts.services.factors import passkeys
from accounts.services.logins import LoggedIn, Started


def begin_login(*, challenge: str | None = None, kind: SessionKind = SessionKind.API) -> passkeys.Begun:
    """The options of a login with a passkey alone, or as the second factor that `challenge` needs.

    Raises AccountError(INVALID_CHALLENGE).
    """
    if challenge is None:
        return passkeys.begin_login()
    opened = challenges.find(challenge, kind=kind, now=clock.now())
    if opened is None:
        raise AccountError(ErrorCode.INVALID_CHALLENGE)
    return passkeys.begin_login(opened.user)


def log_in_with_passkey(
    *,
    state: str,
    credential: Mapping[str, Any],
    challenge: str | None = None,
    kind: SessionKind = SessionKind.API,
    lifetime: timedelta | None = None,
    context: ClientContext,
) -> LoggedIn:
    """Starts a session for the user whose passkey has signed the challenge of begin_login().

    state: of the ceremony. challenge: the same as for begin_login(). lifetime: as for log_in(). Raises
    AccountError(INVALID_CHALLENGE), AccountError(INVALID_PASSKEY), AccountError(INVALID_CREDENTIALS) for an account
    that is inactive or whose password was changed at the same moment, AccountError(EMAIL_NOT_VERIFIED) and
    AccountError(RATE_LIMITED).
    """
    now = clock.now()
    opened = challenges.find(challenge, kind=kind, now=now) if challenge is not None else None
    if challenge is not None and opened is None:
        raise AccountError(ErrorCode.INVALID_CHALLENGE)
    tries = limits.by_place(limits.WRONG_KEYS_PER_IP, context)
    limits.take(*tries)
    proof = passkeys.check(state, credential, user_id=opened.user_id if opened else None)
    user = users.get(proof.passkey.user_id)
    if opened is not None and user.password != opened.user.password:
        raise AccountError(ErrorCode.INVALID_CHALLENGE)
    login: Started | AccountError = AccountError(ErrorCode.INVALID_PASSKEY)
    with transaction.atomic(durable=True):
        challenges.spend_once(state, user, now=now)
        if not passkeys.note_use(proof, now=now):
            audit.record(EventKind.FACTOR_REFUSED, context, user=user, detail="sign_count")
        else:
            if opened is not None and not challenges.spend(opened, now=now):
                raise AccountError(ErrorCode.INVALID_CHALLENGE)
            proved = tuple(Method(each) for each in opened.proved.split()) if opened else ()
            login = logins.finish(
                user,
                proved=(*proved, Method.PASSKEY),
                # The present hash: the session begins only if no reset has replaced it meanwhile.
                proved_hash=user.password,
                kind=kind,
                lifetime=opened.lifetime if opened else lifetime,
                context=context,
                now=now,
            )
            if isinstance(login, Started):
                idempotency.note(context)
    if isinstance(login, AccountError):
        raise login
    limits.give_back(*tries)
    return logins.with_tokens(login, lifetime=opened.lifetime if opened else lifetime, now=now)
