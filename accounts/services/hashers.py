"""Password hashes of other systems, which moved accounts bring along. The first login replaces them.

services/moving/hashes.py writes these forms at an import. Only the first 32 bytes of a long PBKDF2 or scrypt hash are
kept: they do not depend on the length that is derived.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any

import bcrypt
from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.contrib.auth.hashers import BasePasswordHasher, BCryptPasswordHasher, mask_hash

from accounts.core.conf import conf

# The number of bytes that bcrypt uses. The library refuses a longer password; its older versions ignored the rest.
BCRYPT_BYTES = 72
KEPT_BYTES = 32
LEAST_BYTES = 16
# The most memory that verifying a hash may need here.
MOST_MEMORY = 256 * 2**20

# The parameters of Argon2id around a weak hash. They belong to the stored format: other values need another name than
# `wrapped`.
WRAP_SECONDS_COST = 2
WRAP_MEMORY_KIB = 19456


def to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def from_base64(text: str) -> bytes:
    """Standard or URL-safe, with or without padding. Raises ValueError."""
    text = text.rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


class BCryptHasher(BCryptPasswordHasher):
    """Django's hasher, for passwords of any length."""

    def encode(self, password: str, salt: str | bytes) -> str:
        salt = salt.encode("ascii") if isinstance(salt, str) else salt
        return f"{self.algorithm}${bcrypt.hashpw(password.encode()[:BCRYPT_BYTES], salt).decode('ascii')}"


class ForeignHasher(BasePasswordHasher):
    """`algorithm$parameter$…$salt$hash`, the last two in Base64. It is only verified, never made for a new password."""

    def encode(self, password: str, salt: str) -> str:
        raise NotImplementedError("a foreign hash is only verified")

    def derive(self, password: str, parameters: list[str], salt: bytes, length: int) -> bytes:
        """The first bytes that this algorithm derives from a password. Raises ValueError for invalid parameters."""
        raise NotImplementedError

    def verify(self, password: str, encoded: str) -> bool:
        _algorithm, *parameters, salt, kept = encoded.split("$")
        expected = from_base64(kept)
        if not LEAST_BYTES <= len(expected) <= KEPT_BYTES:
            raise ValueError("the hash has a length that none has")
        derived = self.derive(password, parameters, from_base64(salt), len(expected))
        return hmac.compare_digest(derived, expected)

    def decode(self, encoded: str) -> dict[str, Any]:
        algorithm, *parameters, salt, kept = encoded.split("$")
        return {"algorithm": algorithm, "parameters": parameters, "salt": salt, "hash": kept}

    def safe_summary(self, encoded: str) -> dict[Any, Any]:
        parts = self.decode(encoded)
        return {"algorithm": parts["algorithm"], "salt": mask_hash(parts["salt"]), "hash": mask_hash(parts["hash"])}

    def must_update(self, encoded: str) -> bool:
        return True


class Pbkdf2RawHasher(ForeignHasher):
    """PBKDF2 with a salt of bytes, as in Keycloak and passlib: `pbkdf2_raw$sha256$27500$salt$hash`."""

    algorithm = "pbkdf2_raw"

    def derive(self, password: str, parameters: list[str], salt: bytes, length: int) -> bytes:
        digest, rounds = parameters
        return hashlib.pbkdf2_hmac(digest, password.encode(), salt, int(rounds), length)


class ScryptRawHasher(ForeignHasher):
    """scrypt with a salt of bytes, as in PHC form: `scrypt_raw$14$8$1$salt$hash` with log2 of N, r and p."""

    algorithm = "scrypt_raw"

    def derive(self, password: str, parameters: list[str], salt: bytes, length: int) -> bytes:
        log_n, block_size, parallel = map(int, parameters)
        return scrypt(password.encode(), salt, log_n, block_size, parallel)[:length]


class FirebaseHasher(ForeignHasher):
    """Firebase's scrypt; its result encrypts the project's signer key: `firebase_scrypt$salt$hash`.

    The parameters of the project are settings, FIREBASE_SIGNER_KEY and so on.
    """

    algorithm = "firebase_scrypt"

    def derive(self, password: str, parameters: list[str], salt: bytes, length: int) -> bytes:
        project = conf.firebase_hashes
        if project is None:
            raise ValueError("FIREBASE_SIGNER_KEY is not set")
        key = scrypt(password.encode(), salt + project.salt_separator, project.mem_cost, project.rounds, 1)
        encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
        return (encryptor.update(project.signer_key) + encryptor.finalize())[:length]


class WrappedHasher(ForeignHasher):
    """Argon2id around a hash that is too weak to be kept: `wrapped$ssha256$setting$salt$hash`.

    setting: the parameters of the weak hash in Base64; in most cases its salt.
    """

    algorithm = "wrapped"

    def derive(self, password: str, parameters: list[str], salt: bytes, length: int) -> bytes:
        kind, setting = parameters
        if kind not in WEAK:
            raise ValueError(f"{kind} is no kind of weak hash")
        return wrap(WEAK[kind](password.encode(), from_base64(setting)), salt)[:length]


def scrypt(password: bytes, salt: bytes, log_n: int, block_size: int, parallel: int) -> bytes:
    """KEPT_BYTES of scrypt. Raises ValueError for parameters that are invalid or need too much."""
    if not 1 <= log_n <= 30:
        raise ValueError("the cost is out of range")
    memory = MOST_MEMORY + 2**20
    return hashlib.scrypt(password, salt=salt, n=1 << log_n, r=block_size, p=parallel, maxmem=memory, dklen=KEPT_BYTES)


def wrap(weak: bytes, salt: bytes) -> bytes:
    return hash_secret_raw(weak, salt, WRAP_SECONDS_COST, WRAP_MEMORY_KIB, 1, KEPT_BYTES, Type.ID)


def _salt_first(digest: str) -> Callable[[bytes, bytes], bytes]:
    return lambda password, salt: hashlib.new(digest, salt + password, usedforsecurity=False).digest()


def _salt_last(digest: str) -> Callable[[bytes, bytes], bytes]:
    return lambda password, salt: hashlib.new(digest, password + salt, usedforsecurity=False).digest()


PHPASS = re.compile(r"\$[PH]\$([./0-9A-Za-z])([./0-9A-Za-z]{8})")
_ITOA64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# log2 of the rounds; WordPress uses 13.
MOST_PHPASS_ROUNDS = 17


def phpass_rounds(letter: str) -> int:
    """log2 of the rounds for this letter of a setting. Raises ValueError if it is out of range."""
    rounds = _ITOA64.index(letter)
    if not 7 <= rounds <= MOST_PHPASS_ROUNDS:
        raise ValueError("the number of rounds is out of range")
    return rounds


def _phpass(password: bytes, setting: bytes) -> bytes:
    """MD5 again and again (phpass, "portable hashes")."""
    found = PHPASS.fullmatch(setting.decode())
    if found is None:
        raise ValueError("no setting of phpass")
    digest = hashlib.md5(found[2].encode() + password, usedforsecurity=False).digest()
    for _round in range(1 << phpass_rounds(found[1])):
        digest = hashlib.md5(digest + password, usedforsecurity=False).digest()
    return digest


def phpass_digest(text: str) -> bytes:
    """The bytes behind the 22 letters at the end of a phpass hash. Raises ValueError."""
    number = 0
    for place, letter in enumerate(text):
        number |= _ITOA64.index(letter) << (6 * place)
    # Four letters encode three bytes; two letters encode the last byte.
    return number.to_bytes(17, "little")[:16]


# The function of each kind of weak hash; called with the password and the setting.
WEAK: dict[str, Callable[[bytes, bytes], bytes]] = {
    "phpass": _phpass,
    **{digest: _salt_first(digest) for digest in ("md5", "sha1", "sha256", "sha512")},
    "smd5": _salt_last("md5"),
    "ssha": _salt_last("sha1"),
    "ssha256": _salt_last("sha256"),
    "ssha512": _salt_last("sha512"),
}
