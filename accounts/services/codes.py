"""Six-digit codes that prove a mailbox: issue, spend (contract, Durudex; OWASP ASVS 5.0, 6.5 and 6.6).

A code belongs to an address, with or without an account, and to the purpose of its table: a code for a login cannot
sign up or reset a password, and the other way round. Every step is one atomic statement. So it is safe between workers
on either database, and it costs the same whatever the row was before.
"""

import hashlib
import hmac
import secrets
from contextlib import AbstractContextManager
from datetime import datetime

from django.db.models import F

from accounts.core.conf import conf
from accounts.models import MailedCode, VerificationCode
from accounts.services import limits, names
from accounts.services.limits import Attempt


def one_try(email: str) -> AbstractContextManager[Attempt]:
    """Counts one try at the codes of `email`, beside the tries of each code; entered outside of transactions.

    Raises AccountError(RATE_LIMITED) after WRONG_CODES_PER_DAY.
    """
    return limits.one_try((limits.WRONG_CODES_PER_DAY, names.lookup_key(email)))


def issue(kind: type[MailedCode], email: str, *, bound_to: str = "", now: datetime) -> str:
    """Makes a new code of this kind for `email`; it replaces the one before.

    bound_to: a value that must be the same when the code is spent.
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
    """Counts one try at the code of `email`, and spends the code if it is right.

    Called in the transaction of the act that the code allows. The first statement locks the row until the transaction
    ends, so racing tries take turns. If the code is right but the act is refused, a rollback gives back code and try. A
    wrong try must be committed.
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
