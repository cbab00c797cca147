"""Time-based codes of an authenticator app (RFC 6238): enrol, spend, remove."""

import hmac
import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
import segno
from django.db import IntegrityError, transaction

from accounts.core.conf import conf
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import TotpFactor, User
from accounts.services import encryption

PURPOSE = "totp secrets"
OFFER_PURPOSE = "totp offers"
# How long a user may take to scan the QR code and type the first code.
OFFER_LIFETIME = timedelta(minutes=10)
STEP_SECONDS = 30
# By how many steps the device's clock may differ (RFC 6238 §5.2).
TOLERANCE = 1
LONGEST_OFFER = 1000


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A secret that counts only after a code has confirmed it.

    secret: Base32. uri: otpauth://. qr_code: the URI as a QR code, in a data URI with an SVG. token: the client sends
    it back with the code.
    """

    secret: str
    uri: str
    qr_code: str
    token: str


def offer(user: User, *, secret: str | None = None) -> Offer:
    """Offers `user` this secret or a new one. The client keeps it, encrypted, until it is confirmed."""
    secret = secret or pyotp.random_base32()
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=conf.issuer_name)
    content = json.dumps([str(user.pk), secret]).encode()
    return Offer(
        secret=secret,
        uri=uri,
        qr_code=segno.make(uri, micro=False).svg_data_uri(scale=4, light="white"),
        token=encryption.encrypt(content, OFFER_PURPOSE),
    )


def secret_of(token: str, user_id: uuid.UUID) -> str | None:
    """The secret that was recently offered to this user; None for any other token."""
    if len(token) > LONGEST_OFFER or not token.isascii():
        return None
    content = encryption.decrypt(token, OFFER_PURPOSE, seconds=int(OFFER_LIFETIME.total_seconds()))
    if content is None:
        return None
    owner, secret = json.loads(content)
    return str(secret) if owner == str(user_id) else None


def step_of(secret: str, code: str, *, now: datetime) -> int | None:
    """The time step that `code` belongs to; None for a wrong code. Spaces are allowed, because apps show them."""
    code = code.replace(" ", "")
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        return None
    generator = pyotp.TOTP(secret)
    present = int(now.timestamp()) // STEP_SECONDS
    steps = range(present - TOLERANCE, present + TOLERANCE + 1)
    # All steps are compared, so that the time does not reveal which one matched.
    right = [step for step in steps if hmac.compare_digest(generator.generate_otp(step), code)]
    return right[-1] if right else None


def add(user: User, secret: str, step: int, *, now: datetime) -> None:
    """Stores a secret that a code of `step` has confirmed. That code is spent.

    Raises AccountError(FACTOR_EXISTS) if the user has an app already.
    """
    try:
        with transaction.atomic():
            TotpFactor.objects.create(
                user=user,
                secret=encryption.encrypt(secret.encode(), PURPOSE),
                created_at=now,
                last_step=step,
                last_used_at=now,
            )
    except IntegrityError:
        raise AccountError(ErrorCode.FACTOR_EXISTS) from None


def find(user: User) -> TotpFactor | None:
    return TotpFactor.objects.filter(pk=user.pk).first()


def spend(user: User, code: str, *, now: datetime) -> bool:
    """Spends `code`; False if it is wrong or its step was spent before. Of several requests at once, one succeeds."""
    factor = find(user)
    secret = encryption.decrypt(factor.secret, PURPOSE) if factor else None
    step = step_of(secret.decode(), code, now=now) if secret else None
    if factor is None or step is None:
        return False
    these = TotpFactor.objects.filter(pk=user.pk, secret=factor.secret, last_step__lt=step)
    return bool(these.update(last_step=step, last_used_at=now))


def remove(user: User, *, since: datetime | None = None) -> bool:
    """Removes the app if it was added at `since` or later, or in any case. Returns whether there was one."""
    these = TotpFactor.objects.filter(pk=user.pk)
    if since is not None:
        these = these.filter(created_at__gte=since)
    return bool(these.delete()[0])
