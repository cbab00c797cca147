"""The second factors of a user: which there are, and how a code is checked."""

from contextlib import AbstractContextManager
from datetime import datetime

from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.models import Session, TotpFactor, User
from accounts.models.security_event import EventKind
from accounts.models.session import SECOND_FACTORS, Method
from accounts.services import audit, limits, mail
from accounts.services.factors import passkeys, recovery_codes, totp
from accounts.services.limits import Attempt

# Longer than a recovery code, however it is grouped.
LONGEST_CODE = 64


def are_needed(user: User, proved: tuple[Method, ...]) -> bool:
    """Whether `user` has to prove a second factor after a password."""
    return conf.second_factors_count and user.has_second_factor and SECOND_FACTORS.isdisjoint(proved)


def names(user: User) -> list[str]:
    """The factors with which `user` can answer a challenge."""
    there = {"totp": totp.find(user), "passkey": passkeys.of(user).exists(), "recovery_code": recovery_codes.left(user)}
    return [name for name, is_there in there.items() if is_there]


def check_change(user: User) -> None:
    """Counts one change of factors. Each change causes a mail, and the mailbox may belong to somebody else.

    Called outside of transactions. Raises AccountError(RATE_LIMITED) after FACTOR_CHANGES_PER_HOUR.
    """
    limits.take((limits.FACTOR_CHANGES_PER_HOUR, str(user.pk)))


def one_try(counted_as: str) -> AbstractContextManager[Attempt]:
    """Counts one try at a code; a right code is not counted. Entered outside of transactions.

    counted_as: users.counted_as() of the account. Raises AccountError(RATE_LIMITED) after WRONG_FACTORS_PER_HOUR.
    """
    return limits.one_try((limits.WRONG_FACTORS_PER_HOUR, counted_as))


def spend(
    user: User, code: str, context: ClientContext, *, session: Session | None = None, now: datetime
) -> Method | None:
    """Spends `code` and returns its factor. Records a refusal and returns None for a wrong or spent code.

    session: the session that sent it. The owner gets a mail about a recovery code. Called in the transaction of the act
    that the code allows: a rollback gives the code back.
    """
    if len(code) <= LONGEST_CODE:
        if totp.spend(user, code, now=now):
            return Method.TOTP
        if recovery_codes.spend(user, code):
            mail.recovery_code_used(user, context, are_few=recovery_codes.left(user) == recovery_codes.FEW)
            return Method.RECOVERY_CODE
    audit.record(EventKind.FACTOR_REFUSED, context, user=user, session_id=session.pk if session else None)
    return None


def forget(user: User, *, since: datetime | None = None) -> bool:
    """Removes the factors that were added at `since` or later, or all. Returns whether there was an app or a passkey.

    It also removes recovery codes that were made since then, and all of them together with the last other factor.
    """
    removed = [totp.remove(user, since=since), passkeys.remove(user, since=since)]
    recovery_codes.remove(user, since=since)
    note(user)
    return any(removed)


def note(user: User) -> None:
    """Writes to the user whether they have a factor; called in the transaction that adds or removes one."""
    user.has_second_factor = totp.find(user) is not None or passkeys.of(user).exists()
    User.objects.filter(pk=user.pk).update(has_second_factor=user.has_second_factor)
    if not user.has_second_factor:
        recovery_codes.remove(user)


def export(user: User) -> list[dict[str, object]]:
    """The second factors of a user, without their secrets."""
    apps = TotpFactor.objects.filter(user=user).values("created_at", "last_used_at")
    keys = passkeys.of(user).values("name", "created_at", "last_used_at", "is_backed_up")
    rows: list[dict[str, object]] = [{"kind": "totp", **each} for each in apps]
    rows += [{"kind": "passkey", **each} for each in keys]
    if number := recovery_codes.left(user):
        rows.append({"kind": "recovery_codes", "left": number})
    return rows
