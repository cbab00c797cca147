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
# How long somebody may take to scan the code and type the first answer.
OFFER_LIFETIME = timedelta(minutes=10)
STEP_SECONDS = 30
# How many steps a clock may be off (RFC 6238 §5.2).
TOLERANCE = 1
LONGEST_OFFER = 1000


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A secret that counts once a code confirms it.

    secret: Base32. uri: otpauth://. qr_code: of the URI, as a data URI with an SVG. token: what the client sends back
    with the code.
    """

    secret: str
    uri: str
    qr_code: str
    token: str


def offer(user: User, *, secret: str | None = None) -> Offer:
    """This or a new secret for `user`. It is kept by the client, encrypted, until it is confirmed."""
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
    """The secret that was offered to this user lately; None for any other token."""
    if len(token) > LONGEST_OFFER or not token.isascii():
        return None
    content = encryption.decrypt(token, OFFER_PURPOSE, seconds=int(OFFER_LIFETIME.total_seconds()))
    if content is None:
        return None
    owner, secret = json.loads(content)
    return str(secret) if owner == str(user_id) else None


def step_of(secret: str, code: str, *, now: datetime) -> int | None:
    """The time step that `code` is of; None for a wrong one. Spaces between digits are as apps show them."""
    code = code.replace(" ", "")
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        return None
    generator = pyotp.TOTP(secret)
    present = int(now.timestamp()) // STEP_SECONDS
    steps = range(present - TOLERANCE, present + TOLERANCE + 1)
    # All of them are looked at, so that the time does not tell which one it was.
    right = [step for step in steps if hmac.compare_digest(generator.generate_otp(step), code)]
    return right[-1] if right else None


def add(user: User, secret: str, step: int, *, now: datetime) -> None:
    """Keeps a secret that a code of `step` has confirmed, which is spent by that.

    Raises AccountError(FACTOR_EXISTS) for a user who has one.
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
    """Whether `code` is right and of a step that was not spent. Of any number of them at once, one is true."""
    factor = find(user)
    secret = encryption.decrypt(factor.secret, PURPOSE) if factor else None
    step = step_of(secret.decode(), code, now=now) if secret else None
    if factor is None or step is None:
        return False
    these = TotpFactor.objects.filter(pk=user.pk, secret=factor.secret, last_step__lt=step)
    return bool(these.update(last_step=step, last_used_at=now))


def remove(user: User, *, since: datetime | None = None) -> bool:
    """Removes it if it was added at `since` or later, or in any case; answers whether there was one."""
    these = TotpFactor.objects.filter(pk=user.pk)
    if since is not None:
        these = these.filter(created_at__gte=since)
    return bool(these.delete()[0])
