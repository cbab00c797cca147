"""Encrypts second factors for another installation, to its public key (X25519 or RSA).

The result is a text `kind.key.data`. One run of the export uses one Fernet key for all accounts. Each line contains
that key: for X25519 as the public half of the key agreement, for RSA encrypted with OAEP.
"""

import base64
import json
import re
import uuid
from datetime import datetime
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from accounts.services.hashers import from_base64, to_base64
from accounts.services.moving.records import MovedFactors, UnreadableError

PrivateKey = X25519PrivateKey | RSAPrivateKey
LEAST_RSA_BITS = 2048
_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


def public_key(pem: bytes) -> X25519PublicKey | RSAPublicKey:
    """Raises ValueError for a text that is no public key of these kinds."""
    key = serialization.load_pem_public_key(pem)
    if isinstance(key, X25519PublicKey) or (isinstance(key, RSAPublicKey) and key.key_size >= LEAST_RSA_BITS):
        return key
    raise ValueError(f"neither X25519 nor RSA of {LEAST_RSA_BITS} bits or more")


def private_key(pem: bytes) -> PrivateKey:
    """Raises ValueError, and TypeError for a key that needs a password."""
    key = serialization.load_pem_private_key(pem, password=None)
    if isinstance(key, (X25519PrivateKey, RSAPrivateKey)):
        return key
    raise ValueError("neither X25519 nor RSA")


class Sealer:
    """Encrypts for the owner of the private half of `key`."""

    def __init__(self, key: X25519PublicKey | RSAPublicKey) -> None:
        if isinstance(key, RSAPublicKey):
            secret = Fernet.generate_key()
            self._head = f"rsa.{to_base64(key.encrypt(secret, _OAEP))}"
        else:
            mine = X25519PrivateKey.generate()
            secret = _agreed(mine.exchange(key), mine.public_key().public_bytes_raw())
            self._head = f"x25519.{to_base64(mine.public_key().public_bytes_raw())}"
        self._fernet = Fernet(secret)

    def seal(self, user_id: uuid.UUID, factors: MovedFactors) -> str:
        values = {
            # The id is encrypted too, so that nobody can move the factors to another account.
            "user": str(user_id),
            "secret": factors.secret,
            "created_at": factors.created_at.isoformat(),
            "last_used_at": factors.last_used_at.isoformat(),
            "last_step": factors.last_step,
            "code_hashes": factors.code_hashes,
            "codes_made_at": factors.codes_made_at.isoformat(),
        }
        return f"{self._head}.{self._fernet.encrypt(json.dumps(values).encode()).decode()}"


def open_factors(sealed: str, user_id: uuid.UUID | None, key: PrivateKey) -> MovedFactors:
    """Raises UnreadableError for a text that was encrypted to another key, for another user, or not at all."""
    try:
        kind, head, data = sealed.split(".")
        values = json.loads(_fernet(kind, head, key).decrypt(data.encode()))
        if values["user"] != str(user_id):
            raise UnreadableError("the second factors of another account")
        codes = {str(each) for each in values["code_hashes"]}
        if not all(re.fullmatch("[0-9a-f]{64}", each) for each in codes):
            raise UnreadableError("recovery codes that are none")
        if not re.fullmatch("[A-Z2-7]{0,100}", str(values["secret"])):
            raise UnreadableError("an authenticator app that is none")
        return MovedFactors(
            secret=str(values["secret"]),
            created_at=datetime.fromisoformat(values["created_at"]),
            last_used_at=datetime.fromisoformat(values["last_used_at"]),
            last_step=min(int(values["last_step"]), 2**62),
            code_hashes=sorted(codes),
            codes_made_at=datetime.fromisoformat(values["codes_made_at"]),
        )
    except UnreadableError:
        raise
    except (ValueError, KeyError, TypeError, InvalidToken):
        raise UnreadableError("second factors that this key does not open") from None


@lru_cache(maxsize=8)
def _fernet(kind: str, head: str, key: PrivateKey) -> Fernet:
    if kind == "rsa" and isinstance(key, RSAPrivateKey):
        return Fernet(key.decrypt(from_base64(head), _OAEP))
    if kind == "x25519" and isinstance(key, X25519PrivateKey):
        raw = from_base64(head)
        return Fernet(_agreed(key.exchange(X25519PublicKey.from_public_bytes(raw)), raw))
    raise ValueError("a key of another kind")


def _agreed(shared: bytes, public: bytes) -> bytes:
    hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=public, info=b"accounts second factors")
    return base64.urlsafe_b64encode(hkdf.derive(shared))
