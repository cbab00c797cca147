"""Six-digit codes that prove a mailbox: issue, spend (contract, Durudex; OWASP ASVS 5.0, 6.5 and 6.6).

A code belongs to an address, whether an account has it or not, and to the purpose of its table: one that logs in signs
nobody up and resets nothing, and the other way round. Every step is one statement that
decides by itself, so that it holds between workers on either database, and costs the same whatever the row was before.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from accounts.core.conf import conf
from accounts.models import MailedCode, VerificationCode
from accounts.services import limits, names


@dataclass
class Attempt:
    """One try at a code. is_right: set by who looks at the code; a right one is not counted."""

    is_right: bool = True


@contextmanager
def one_try(email: str) -> Iterator[Attempt]:
    """Counts one try at the codes of `email`, beyond the tries of each code; entered outside of any transaction.

    Raises AccountError(RATE_LIMITED) after WRONG_CODES_PER_DAY.
    """
    tries = ((limits.WRONG_CODES_PER_DAY, names.lookup_key(email)),)
    limits.take(*tries)
    attempt = Attempt()
    try:
        yield attempt
    finally:
        if attempt.is_right:
            limits.give_back(*tries)


def issue(kind: type[MailedCode], email: str, *, bound_to: str = "", now: datetime) -> str:
    """A new code for `email`, which replaces the one before of this kind.

    bound_to: what has to be the same when the code is spent.
    """
    key, code = names.lookup_key(email), f"{secrets.randbelow(10**6):06d}"
    row = kind(
        email_key=key,
        code_hash=_hash(kind, key, code, bound_to, conf.secret_keys[0]),
        tries=0,
        expires_at=now + conf.verification_code_lifetime,
    )
    if isinstance(row, VerificationCode):
        row.hour_started_at = now
    replaced = ["code_hash", "tries", "expires_at"]
    kind.objects.bulk_create([row], update_conflicts=True, unique_fields=["email_key"], update_fields=replaced)
    return code


def spend(kind: type[MailedCode], email: str, code: str, *, bound_to: str = "", now: datetime) -> bool:
    """Counts one try at the code of `email`, and spends the code where it is the right one.

    Called in the transaction of what the code allows. The first statement locks the row until that ends, so racing
    tries take turns: where the code was right and something else is refused, rolling back gives code and try back;
    a wrong try is to be committed.
    """
    rows = kind.objects.filter(email_key=names.lookup_key(email))
    if not rows.live(now).update(tries=F("tries") + 1):
        return False
    row = rows.get()
    right = [_hash(kind, row.email_key, code, bound_to, key) for key in conf.secret_keys]
    if not any(hmac.compare_digest(row.code_hash, each) for each in right):
        return False
    return bool(rows.filter(code_hash=row.code_hash).update(code_hash=""))


def _hash(kind: type[MailedCode], email_key: str, code: str, bound_to: str, secret_key: str) -> str:
    message = "\0".join((email_key, code, bound_to) if bound_to else (email_key, code))
    return hmac.new(kind.PURPOSE + secret_key.encode(), message.encode(), hashlib.sha256).hexdigest()
