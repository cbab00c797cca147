"""Ten codes for when no other factor is at hand, each good once (NIST SP 800-63B-4, look-up secrets)."""

import base64
import hashlib
import secrets
from datetime import datetime

from accounts.models import RecoveryCode, User

NUMBER = 10
# How many are left when their owner is told to make new ones.
FEW = 2
# 80 random bits, in groups of four letters and digits.
LETTERS = 16


def replace(user: User, *, now: datetime) -> list[str]:
    """Ten new codes, which are kept as hashes alone; the ones before are dead."""
    remove(user)
    codes = [_random() for _ in range(NUMBER)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, code_hash=_hash(user, code), created_at=now) for code in codes
    )
    return codes


def spend(user: User, code: str) -> bool:
    """Whether `code` is one of those left. Of any number of the same at once, one is true."""
    return bool(RecoveryCode.objects.filter(user=user, code_hash=_hash(user, code)).delete()[0])


def left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user).count()


def remove(user: User, *, since: datetime | None = None) -> None:
    """Removes those made at `since` or later, or all."""
    these = RecoveryCode.objects.filter(user=user)
    if since is not None:
        these = these.filter(created_at__gte=since)
    these.delete()


def _random() -> str:
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[place : place + 4] for place in range(0, LETTERS, 4))


def _hash(user: User, code: str) -> str:
    """Of the code as it was shown, however it was typed."""
    typed = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(f"{user.pk} {typed}".encode()).hexdigest()
