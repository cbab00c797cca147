"""What is kept encrypted, under keys derived from SECRET_KEY and its fallbacks, one for each purpose."""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from accounts.core.conf import conf


def encrypt(data: bytes, purpose: str) -> str:
    return _cipher(conf.secret_keys, purpose).encrypt(data).decode()


def decrypt(text: str, purpose: str, *, seconds: int | None = None) -> bytes | None:
    """What was encrypted for this purpose; None under another SECRET_KEY, and for any other text.

    seconds: how old it may be at most.
    """
    try:
        return _cipher(conf.secret_keys, purpose).decrypt(text.encode(), ttl=seconds)
    except InvalidToken:
        return None


@lru_cache(maxsize=16)
def _cipher(secret_keys: tuple[str, ...], purpose: str) -> MultiFernet:
    """The first key encrypts."""

    def derive(secret: str) -> Fernet:
        hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"accounts {purpose}".encode())
        return Fernet(base64.urlsafe_b64encode(hkdf.derive(secret.encode())))

    return MultiFernet([derive(secret) for secret in secret_keys])
