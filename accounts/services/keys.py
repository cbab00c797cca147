"""Signing keys: made once, published ahead, retired after their last token has expired.

Each worker caches the keys for a few seconds. So signing and verifying cost no statement, and a worker notices a new or
a retired key without a restart. A new key is published before it signs, for longer than any worker or any client of
/.well-known/jwks.json caches the keys.
"""

import base64
import logging
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.db import IntegrityError, InternalError, OperationalError, transaction
from django.db.models import Max

from accounts.core import clock
from accounts.core.conf import conf
from accounts.models import Session, SigningKey
from accounts.services import encryption

logger = logging.getLogger(__name__)

PURPOSE = "signing keys"
WORKER_CACHE = timedelta(seconds=5)
UNKNOWN_KID_PAUSE = timedelta(seconds=1)
JWKS_MAX_AGE = timedelta(minutes=5)
PUBLISH_AHEAD = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class KeySet:
    """The keys as one worker read them at `read_at`."""

    read_at: datetime
    rows: tuple[SigningKey, ...]
    public: dict[str, Ed25519PublicKey]


_known: KeySet | None = None
_known_lock = threading.Lock()


def signing_key() -> tuple[str, Ed25519PrivateKey]:
    """The id and the private key that sign now. If there is no key yet, exactly one worker makes it here.

    Called outside of transactions: nobody may know a key that is rolled back.
    """
    if found := _signing_key():
        return found
    # The last sequence is read first, then the keys are read once more. A key that another worker made meanwhile is
    # either found by that, or has taken the sequence that is tried here.
    last = _last_sequence()
    forget()
    if _signing_key() is None:
        create(signs_from=clock.now(), after=last)
        forget()
    found = _signing_key()
    if found is None:
        raise RuntimeError("no signing key can be made")
    return found


def verifying_key(kid: str) -> Ed25519PublicKey | None:
    """The public key of `kid`; None for a key that is unknown, retired or expired."""
    now = clock.now()
    keys = _keys(now)
    if kid not in keys.public and now - keys.read_at > UNKNOWN_KID_PAUSE:
        keys = _keys(now, at_least_from=now)
    return keys.public.get(kid)


def public_keys() -> list[dict[str, str]]:
    """The public parts of the keys as JWKs (RFC 7517, RFC 8037), including the ones published ahead.

    If there is no key yet, the first one is made, unless the database cannot be written to.
    """
    rows = tuple(SigningKey.objects.verifying(clock.now()))
    if not rows:
        # A read-only PostgreSQL raises InternalError, a read-only SQLite OperationalError.
        with suppress(InternalError, OperationalError):
            signing_key()
            rows = tuple(SigningKey.objects.verifying(clock.now()))
    return [
        {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": row.kid, "x": row.public_key}
        for row in rows
    ]


def create(*, signs_from: datetime, after: int) -> SigningKey | None:
    """Makes the key that follows the sequence `after`; None if another worker made it at the same moment."""
    private = Ed25519PrivateKey.generate()
    try:
        with transaction.atomic():
            return SigningKey.objects.create(
                kid=secrets.token_hex(8),
                sequence=after + 1,
                public_key=base64.urlsafe_b64encode(private.public_key().public_bytes_raw()).rstrip(b"=").decode(),
                private_key=encryption.encrypt(private.private_bytes_raw(), PURPOSE),
                signs_from=signs_from,
            )
    except IntegrityError:
        return None


def publish_next(*, now: datetime) -> SigningKey | None:
    """Makes the key that signs after PUBLISH_AHEAD, and sets the end of the earlier keys."""
    successor = create(signs_from=now + PUBLISH_AHEAD, after=_last_sequence())
    if successor is not None:
        last_session_ends = Session.objects.filter(ended_at=None).aggregate(last=Max("expires_at"))["last"]
        last_token_dies = successor.signs_from + conf.session_lifetime
        SigningKey.objects.filter(sequence__lt=successor.sequence, verifies_until=None).update(
            verifies_until=max(last_token_dies, last_session_ends or last_token_dies)
        )
    return successor


def retire(kid: str, *, now: datetime) -> bool:
    """Makes every worker refuse the tokens of `kid` from now on, and makes a key that signs at once."""
    if not SigningKey.objects.filter(kid=kid, retired_at=None).update(retired_at=now):
        return False
    create(signs_from=now, after=_last_sequence())
    return True


def purge(*, before: datetime) -> int:
    """Deletes the keys that stopped verifying before `before`."""
    retired = SigningKey.objects.filter(retired_at__lt=before)
    outlived = SigningKey.objects.filter(verifies_until__lt=before)
    return (retired | outlived).delete()[0]


def forget() -> None:
    """Empties this worker's cache, so that the next token reads the keys again."""
    global _known
    with _known_lock:
        _known = None


def _last_sequence() -> int:
    return SigningKey.objects.aggregate(last=Max("sequence"))["last"] or 0


def _signing_key() -> tuple[str, Ed25519PrivateKey] | None:
    now = clock.now()
    for row in _keys(now).rows:
        if row.signs_from <= now and (private := _decrypted(row.private_key, conf.secret_keys)) is not None:
            return row.kid, private
    return None


def _keys(now: datetime, *, at_least_from: datetime | None = None) -> KeySet:
    global _known
    oldest = at_least_from or now - WORKER_CACHE
    known = _known
    # The upper bound is for a clock that was set back: it must not freeze the cache.
    if known is None or not oldest <= known.read_at <= now:
        rows = tuple(SigningKey.objects.verifying(now))
        known = KeySet(read_at=now, rows=rows, public={row.kid: _public_key(row.public_key) for row in rows})
        with _known_lock:
            _known = known
    return known


def _public_key(encoded: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(encoded + "="))


@lru_cache(maxsize=8)
def _decrypted(private_key: str, secret_keys: tuple[str, ...]) -> Ed25519PrivateKey | None:
    private = encryption.decrypt(private_key, PURPOSE)
    if private is None:
        # SECRET_KEY was replaced without SECRET_KEY_FALLBACKS. A new key signs. Tokens of this one stay valid, because
        # its public part is not encrypted, so nobody is logged out.
        logger.warning("a signing key cannot be decrypted with SECRET_KEY; another one signs")
        return None
    return Ed25519PrivateKey.from_private_bytes(private)
