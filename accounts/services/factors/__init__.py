"""The second factors of a user: which there are, and how a code of one is looked at."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from accounts.core.conf import conf
from accounts.models import User
from accounts.models.session import SECOND_FACTORS, Method
from accounts.services import limits
from accounts.services.codes import Attempt
from accounts.services.factors import passkeys, recovery_codes, totp


def are_needed(user: User, proved: tuple[Method, ...]) -> bool:
    """Whether `user` still has to prove a second factor."""
    return conf.second_factors_count and user.has_second_factor and SECOND_FACTORS.isdisjoint(proved)


def names(user: User) -> list[str]:
    """What `user` can answer a challenge with."""
    there = {"totp": totp.find(user), "passkey": passkeys.of(user).exists(), "recovery_code": recovery_codes.left(user)}
    return [name for name, is_there in there.items() if is_there]


@contextmanager
def one_try(counted_as: str) -> Iterator[Attempt]:
    """Counts one code that is looked at; a right one is not counted. Entered outside of any transaction.

    counted_as: users.counted_as() of the account. Raises AccountError(RATE_LIMITED) after WRONG_FACTORS_PER_HOUR.
    """
    tries = ((limits.WRONG_FACTORS_PER_HOUR, counted_as),)
    limits.take(*tries)
    attempt = Attempt()
    try:
        yield attempt
    finally:
        if attempt.is_right:
            limits.give_back(*tries)


def spend(user: User, code: str, *, now: datetime) -> Method | None:
    """The factor that `code` is of, which it is spent for; None for a wrong or a spent one.

    Called in the transaction of what the code allows: rolling that back gives the code back.
    """
    if totp.spend(user, code, now=now):
        return Method.TOTP
    return Method.RECOVERY_CODE if recovery_codes.spend(user, code) else None


def forget(user: User, *, since: datetime | None = None) -> bool:
    """Removes the factors that were added at `since` or later, or all; answers whether there were any.

    Recovery codes go with the last other factor.
    """
    removed = [totp.remove(user, since=since), passkeys.remove(user, since=since)]
    note(user)
    return any(removed)


def note(user: User) -> None:
    """Writes whether `user` has a factor; called in the transaction that adds or removes one."""
    user.has_second_factor = totp.find(user) is not None or passkeys.of(user).exists()
    User.objects.filter(pk=user.pk).update(has_second_factor=user.has_second_factor)
    if not user.has_second_factor:
        recovery_codes.remove(user)
