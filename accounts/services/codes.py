"""Six-digit codes that prove a mailbox: issue, spend (contract, Durudex; OWASP ASVS 5.0, 6.5 and 6.6).

A code belongs to an address, whether an account has it or not, and to no purpose. Every step is one statement that
decides by itself, so that it holds between workers on either database, and costs the same whatever the row was before.
"""

import hashlib
import hmac
import math
import secrets
from datetime import datetime, timedelta

from django.db.models import Case, F, Q, When

from accounts.core.conf import conf
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import VerificationCode
from accounts.models.user import canonical

MOST_AN_HOUR = 5
_HOUR = timedelta(hours=1)


def issue(email: str, *, now: datetime) -> str:
    """A new code for `email`, which replaces the one before.

    Raises AccountError(RATE_LIMITED) for an address that was sent MOST_AN_HOUR codes within the hour; the code that it
    has stays good.
    """
    key, code = canonical(email), f"{secrets.randbelow(10**6):06d}"
    first = VerificationCode(email_key=key, expires_at=now, hour_started_at=now)
    VerificationCode.objects.bulk_create([first], ignore_conflicts=True)
    rows = VerificationCode.objects.filter(email_key=key)
    hour_is_over = Q(hour_started_at__lte=now - _HOUR)
    allowed = rows.filter(hour_is_over | Q(issued__lt=MOST_AN_HOUR)) if conf.rate_limits_are_on else rows
    issued = allowed.update(
        code_hash=_hash(key, code, conf.secret_keys[0]),
        tries=0,
        expires_at=now + conf.verification_code_lifetime,
        issued=Case(When(hour_is_over, then=1), default=F("issued") + 1),
        hour_started_at=Case(When(hour_is_over, then=now), default=F("hour_started_at")),
    )
    if not issued:
        wait = rows.get().hour_started_at + _HOUR - now
        raise AccountError(ErrorCode.RATE_LIMITED, data={"retry_after": max(1, math.ceil(wait.total_seconds()))})
    return code


def spend(email: str, code: str, *, now: datetime) -> bool:
    """Counts one try at the code of `email`, and spends the code where it is the right one.

    Called in the transaction of what the code allows. The first statement locks the row until that ends, so racing
    tries take turns: where the code was right and something else is refused, rolling back gives code and try back;
    a wrong try is to be committed.
    """
    rows = VerificationCode.objects.filter(email_key=canonical(email))
    if not rows.live(now).update(tries=F("tries") + 1):
        return False
    row = rows.get()
    if not any(hmac.compare_digest(row.code_hash, _hash(row.email_key, code, key)) for key in conf.secret_keys):
        return False
    return bool(rows.filter(code_hash=row.code_hash).update(code_hash=""))


def _hash(email_key: str, code: str, secret_key: str) -> str:
    return hmac.new(
        b"accounts verification code" + secret_key.encode(), f"{email_key}\0{code}".encode(), hashlib.sha256
    ).hexdigest()
