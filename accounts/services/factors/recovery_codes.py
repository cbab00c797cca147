"""Ten codes for users without another factor at hand; each works once (NIST SP 800-63B-4, look-up secrets)."""

import base64
import hashlib
import secrets
from datetime import datetime

from accounts.models import RecoveryCode, User

NUMBER = 10
# The owner is asked to make new codes when this number is left.
FEW = 2
# 80 random bits, in groups of four letters and digits.
LETTERS = 16


def replace(user: User, *, now: datetime) -> list[str]:
    """Makes ten new codes; only their hashes are stored, and earlier codes stop working."""
    remove(user)
    codes = [_random() for _ in range(NUMBER)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, code_hash=_hash(user, code), created_at=now) for code in codes
    )
    return codes


def spend(user: User, code: str) -> bool:
    """Spends `code`; False if it is none of the codes left. Of several requests with the same code, one succeeds."""
    return bool(RecoveryCode.objects.filter(user=user, code_hash=_hash(user, code)).delete()[0])


def left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user).count()


def remove(user: User, *, since: datetime | None = None) -> None:
    """Removes the codes that were made at `since` or later, or all."""
    these = RecoveryCode.objects.filter(user=user)
    if since is not None:
        these = these.filter(created_at__gte=since)
    these.delete()


def _random() -> str:
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[place : place + 4] for place in range(0, LETTERS, 4))


def _hash(user: User, code: str) -> str:
    """The hash of a code. Case and grouping of the typed text do not matter."""
    typed = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(f"{user.pk} {typed}".encode()).hexdigest()
