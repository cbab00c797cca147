"""Challenges of logins that need another proof: open, take a try, spend (design, Where a session begins).

The client holds an opaque text, and the row holds its hash. Every step is one atomic statement.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.core.errors import AccountError, ErrorCode
from accounts.models import Challenge, User
from accounts.models.session import Method, SessionKind

LIFETIME = timedelta(minutes=5)
MOST_TRIES = 5
LONGEST = 100


def open_for(
    user: User,
    *,
    proved: tuple[Method, ...],
    kind: SessionKind,
    lifetime: timedelta | None,
    counted_as: str,
    now: datetime,
) -> str:
    """Opens a challenge for `user` and returns its text; called in the flow's transaction."""
    text = secrets.token_urlsafe(24)
    Challenge.objects.create(
        id=_hash(text),
        user=user,
        proved=" ".join(proved),
        password_hash=_hash(user.password),
        kind=kind,
        lifetime=lifetime,
        counted_as=counted_as,
        tries_left=MOST_TRIES,
        expires_at=now + LIFETIME,
    )
    return text


def find(text: str, *, kind: SessionKind, now: datetime) -> Challenge | None:
    """The live challenge with its user as they are now; None for any other text, and after a change of the password."""
    if len(text) > LONGEST:
        return None
    found = Challenge.objects.live(now).filter(pk=_hash(text), kind=kind, user__is_active=True)
    challenge = found.select_related("user").first()
    if challenge is None or not hmac.compare_digest(challenge.password_hash, _hash(challenge.user.password)):
        return None
    return challenge


def take_try(challenge: Challenge, *, now: datetime) -> bool:
    """Counts one try before its answer is checked; called outside of transactions, which could undo the count."""
    return bool(Challenge.objects.live(now).filter(pk=challenge.pk).update(tries_left=F("tries_left") - 1))


def spend(challenge: Challenge, *, now: datetime) -> bool:
    """Spends the challenge; False if another request was faster. The last try may spend it as well as the first."""
    return bool(Challenge.objects.filter(pk=challenge.pk, spent_at=None).update(spent_at=now))


def spend_once(text: str, user: User, *, now: datetime) -> None:
    """Spends a state that only the client holds and that has no row; called in the transaction of the act it allows.

    Raises AccountError(INVALID_CHALLENGE) if it was spent before.
    """
    spent = Challenge(id=_hash(text), user=user, kind=SessionKind.API, tries_left=0, spent_at=now)
    spent.expires_at = now + LIFETIME
    try:
        with transaction.atomic():
            spent.save(force_insert=True)
    except IntegrityError:
        raise AccountError(ErrorCode.INVALID_CHALLENGE) from None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
