"""Signing keys: made once, published ahead, retired after the last token they signed has died.

Each worker keeps the keys in memory for a few seconds, so that neither signing nor verifying costs a statement,
and a new or a retired key is noticed without a restart. A new key is published longer ahead than any worker or any
client of /.well-known/jwks.json caches.
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
    """What one worker knows of the keys at `read_at`."""

    read_at: datetime
    rows: tuple[SigningKey, ...]
    public: dict[str, Ed25519PublicKey]


_known: KeySet | None = None
_known_lock = threading.Lock()


def signing_key() -> tuple[str, Ed25519PrivateKey]:
    """The key id and private key that sign now; the very first key is made here, by exactly one worker.

    Not to be called inside a transaction: a key that is rolled back must not be known to anybody.
    """
    if found := _signing_key():
        return found
    # The last sequence is read before the keys are looked at once more: whoever made a key since then is either found
    # by that look, or has taken the sequence that is tried here.
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
    """The public key of `kid`, or None for a key that is unknown, retired or past its time."""
    now = clock.now()
    keys = _keys(now)
    if kid not in keys.public and now - keys.read_at > UNKNOWN_KID_PAUSE:
        keys = _keys(now, at_least_from=now)
    return keys.public.get(kid)


def public_keys() -> list[dict[str, str]]:
    """The keys as JWKs (RFC 7517, RFC 8037), the public part alone, the ones published ahead among them.

    Where there is none yet, the first one is made; a database that cannot be written to stays without.
    """
    rows = tuple(SigningKey.objects.verifying(clock.now()))
    if not rows:
        # PostgreSQL that is read-only raises InternalError, SQLite OperationalError.
        with suppress(InternalError, OperationalError):
            signing_key()
            rows = tuple(SigningKey.objects.verifying(clock.now()))
    return [
        {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": row.kid, "x": row.public_key}
        for row in rows
    ]


def create(*, signs_from: datetime, after: int) -> SigningKey | None:
    """Makes the key that follows the sequence `after`; None where another worker made it at the same moment."""
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
    """Makes the key that signs after PUBLISH_AHEAD, and sets the end of the ones before it."""
    successor = create(signs_from=now + PUBLISH_AHEAD, after=_last_sequence())
    if successor is not None:
        last_session_ends = Session.objects.filter(ended_at=None).aggregate(last=Max("expires_at"))["last"]
        last_token_dies = successor.signs_from + conf.session_lifetime
        SigningKey.objects.filter(sequence__lt=successor.sequence, verifies_until=None).update(
            verifies_until=max(last_token_dies, last_session_ends or last_token_dies)
        )
    return successor


def retire(kid: str, *, now: datetime) -> bool:
    """Refuses everything that `kid` signed from now on; a key that signs now is made in its place."""
    if not SigningKey.objects.filter(kid=kid, retired_at=None).update(retired_at=now):
        return False
    create(signs_from=now, after=_last_sequence())
    return True


def purge(*, before: datetime) -> int:
    """Deletes the keys that have verified nothing since `before`."""
    retired = SigningKey.objects.filter(retired_at__lt=before)
    outlived = SigningKey.objects.filter(verifies_until__lt=before)
    return (retired | outlived).delete()[0]


def forget() -> None:
    """Drops what this worker knows, so that the next token reads the keys anew."""
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
    # A clock that was set back must not freeze the cache, hence the upper bound.
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
        # SECRET_KEY was replaced without SECRET_KEY_FALLBACKS: a new key signs, and what this one signed stays
        # good, because its public part is not encrypted. Nobody is logged out.
        logger.warning("a signing key cannot be decrypted with SECRET_KEY; another one signs")
        return None
    return Ed25519PrivateKey.from_private_bytes(private)
