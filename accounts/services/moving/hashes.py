"""Which hashes of other systems are accepted, and in which form they are stored.

A hash that needs more than about a second of one core, or more than 256 MiB, is refused: each login would need that.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass

from accounts.core.conf import conf
from accounts.services import hashers
from accounts.services.hashers import KEPT_BYTES, WEAK, from_base64, to_base64

# The length of the column.
LONGEST = 128
# The most rounds for each digest: about a second of a core that has other work too.
MOST_ROUNDS = {"sha1": 2_000_000, "sha256": 2_000_000, "sha512": 1_000_000}
MOST_BCRYPT_COST = 13
MOST_ARGON2_KIB = 256 * 1024
# The most KiB times passes.
MOST_ARGON2_WORK = 256 * 1024
MOST_ARGON2_LANES = 16
# The most N times r times p.
MOST_SCRYPT_WORK = 2**20
SALT_BYTES = 16

_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_ARGON2 = re.compile(r"\$argon2(?:id|i|d)\$(?:v=(?:16|19)\$)?m=(\d+),t=(\d+),p=(\d+)\$([\w+/-]+)\$([\w+/-]+)")
_PBKDF2 = re.compile(r"pbkdf2_(sha256|sha1)\$(\d+)\$[^$]+\$([A-Za-z0-9+/]+=*)")
_SCRYPT = re.compile(r"scrypt\$(\d+)\$[^$]+\$(\d+)\$(\d+)\$([A-Za-z0-9+/]+=*)")
_PBKDF2_RAW = re.compile(r"pbkdf2_raw\$(sha1|sha256|sha512)\$(\d+)\$([^$]*)\$([^$]+)")
_PBKDF2_PHC = re.compile(r"\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?(\d+)(?:,l=\d+)?\$([^$]*)\$([^$]+)")
_SCRYPT_RAW = re.compile(r"scrypt_raw\$(\d+)\$(\d+)\$(\d+)\$([^$]*)\$([^$]+)")
_SCRYPT_PHC = re.compile(r"\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([^$]*)\$([^$]+)")
_FIREBASE = re.compile(r"firebase_scrypt\$([^$]*)\$([^$]+)")
_WRAPPED = re.compile(r"wrapped\$([a-z0-9]+)\$([^$]*)\$([^$]+)\$([^$]+)")
_DIGEST = re.compile(r"(md5|sha1|sha256|sha512)\$([^$]*)\$([0-9a-fA-F]+)")
_LDAP = re.compile(r"\{(S?MD5|S?SHA|S?SHA256|S?SHA512)\}(.+)", re.IGNORECASE)
_PHPASS = re.compile(r"(\$[PH]\$([./0-9A-Za-z])[./0-9A-Za-z]{8})([./0-9A-Za-z]{22})")

_DIGEST_BYTES = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64}
# Kinds of LDAP that put the salt after the password.
_LDAP_DIGESTS = {"MD5": ("smd5", 16), "SHA": ("ssha", 20), "SHA256": ("ssha256", 32), "SHA512": ("ssha512", 64)}


class HashRefusedError(ValueError):
    """A hash is not accepted; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Weak:
    """A hash that is stored only inside Argon2id. kind: a key of hashers.WEAK. setting: its parameters."""

    kind: str
    setting: bytes
    digest: bytes


@dataclass(frozen=True)
class Hash:
    """stored: the value to store; "" if `weak` must be wrapped first."""

    stored: str = ""
    weak: Weak | None = None

    def to_keep(self) -> str:
        """The value to store. A weak hash costs an Argon2id."""
        if self.weak is None:
            return self.stored
        salt = os.urandom(SALT_BYTES)
        kept = hashers.wrap(self.weak.digest, salt)
        parts = (self.weak.kind, to_base64(self.weak.setting), to_base64(salt), to_base64(kept))
        return "$".join(("wrapped", *parts))


def read(text: str) -> Hash:
    """Converts a hash of another system. Raises HashRefusedError."""
    for pattern, take in _TAKEN:
        if found := pattern.fullmatch(text):
            try:
                taken = take(found)
            except HashRefusedError:
                raise
            except ValueError:
                raise HashRefusedError("the hash is damaged") from None
            if len(taken.stored) > LONGEST:
                raise HashRefusedError(f"the hash is longer than {LONGEST} letters")
            return taken
    raise HashRefusedError("a hash of an unknown kind")


def _bcrypt(found: re.Match[str]) -> Hash:
    cost = int(found[1])
    if not 4 <= cost <= MOST_BCRYPT_COST:
        raise HashRefusedError(f"bcrypt of cost {cost}, and not of 4 to {MOST_BCRYPT_COST}")
    return Hash(found[0])


def _django_bcrypt(found: re.Match[str]) -> Hash:
    inner = _BCRYPT.fullmatch(found[2])
    if inner is None:
        raise HashRefusedError("the hash is damaged")
    _bcrypt(inner)
    return Hash(found[0])


def _argon2(found: re.Match[str]) -> Hash:
    memory, passes, lanes = int(found[1]), int(found[2]), int(found[3])
    if not 1 <= lanes <= MOST_ARGON2_LANES or passes < 1 or memory < 8 * lanes:
        raise HashRefusedError("Argon2 with parameters that are out of range")
    if memory > MOST_ARGON2_KIB or memory * passes > MOST_ARGON2_WORK:
        raise HashRefusedError(f"Argon2 of {memory} KiB and {passes} passes costs too much to verify")
    if len(_bytes(found[4])) < 8:
        raise HashRefusedError("the hash is damaged")
    _check_length(_bytes(found[5]), 16)
    return Hash(found[0])


def _django_argon2(found: re.Match[str]) -> Hash:
    inner = _ARGON2.fullmatch(found[1])
    if inner is None:
        raise HashRefusedError("the hash is damaged")
    _argon2(inner)
    return Hash(found[0])


def _pbkdf2(found: re.Match[str]) -> Hash:
    _check_rounds(found[1], int(found[2]))
    if len(_bytes(found[3])) != _DIGEST_BYTES[found[1]]:
        raise HashRefusedError("the hash is damaged")
    return Hash(found[0])


def _scrypt(found: re.Match[str]) -> Hash:
    work = int(found[1])
    if work < 2 or work & (work - 1):
        raise HashRefusedError("the hash is damaged")
    _check_scrypt(work, int(found[2]), int(found[3]))
    if len(_bytes(found[4])) != 64:
        raise HashRefusedError("the hash is damaged")
    return Hash(found[0])


def _raw_pbkdf2(found: re.Match[str]) -> Hash:
    digest, rounds = found[1] or "sha1", int(found[2])
    _check_rounds(digest, rounds)
    return Hash(f"pbkdf2_raw${digest}${rounds}${_salt_and_hash(found[3], found[4], least=_DIGEST_BYTES['sha1'])}")


def _raw_scrypt(found: re.Match[str]) -> Hash:
    log_n, block_size, parallel = int(found[1]), int(found[2]), int(found[3])
    if not 1 <= log_n <= 30:
        raise HashRefusedError("the hash is damaged")
    _check_scrypt(1 << log_n, block_size, parallel)
    return Hash(f"scrypt_raw${log_n}${block_size}${parallel}${_salt_and_hash(found[4], found[5])}")


def _firebase(found: re.Match[str]) -> Hash:
    if conf.firebase_hashes is None:
        raise HashRefusedError("a hash of Firebase, and FIREBASE_SIGNER_KEY is not set")
    return Hash(f"firebase_scrypt${_salt_and_hash(found[1], found[2])}")


def _wrapped(found: re.Match[str]) -> Hash:
    if found[1] not in WEAK or len(_bytes(found[3])) < 8 or len(_bytes(found[4])) != KEPT_BYTES:
        raise HashRefusedError("the hash is damaged")
    _bytes(found[2])
    return Hash(found[0])


def _digest(found: re.Match[str]) -> Hash:
    digest = bytes.fromhex(found[3])
    if len(digest) != _DIGEST_BYTES[found[1]]:
        raise HashRefusedError("the hash is damaged")
    return _weak(found[1], found[2].encode(), digest)


def _ldap(found: re.Match[str]) -> Hash:
    kind, length = _LDAP_DIGESTS[found[1].upper().removeprefix("S") if _is_salted(found[1]) else found[1].upper()]
    both = _bytes(found[2])
    _check_length(both, length)
    if _is_salted(found[1]) == (len(both) == length):
        raise HashRefusedError("the hash is damaged")
    return _weak(kind, both[length:], both[:length])


def _is_salted(name: str) -> bool:
    return name.upper().startswith(("SMD5", "SSHA"))


def _phpass(found: re.Match[str]) -> Hash:
    hashers.phpass_rounds(found[2])
    return _weak("phpass", found[1].encode(), hashers.phpass_digest(found[3]))


def _weak(kind: str, setting: bytes, digest: bytes) -> Hash:
    # Argon2's salt has 22 letters, its hash 43.
    if len(f"wrapped${kind}${to_base64(setting)}$$") + 22 + 43 > LONGEST:
        raise HashRefusedError("the salt of the hash is too long")
    return Hash(weak=Weak(kind=kind, setting=setting, digest=digest))


def _check_rounds(digest: str, rounds: int) -> None:
    if not 1 <= rounds <= MOST_ROUNDS[digest]:
        raise HashRefusedError(f"PBKDF2 of {rounds:,} rounds, and not of 1 to {MOST_ROUNDS[digest]:,}")


def _check_scrypt(work: int, block_size: int, parallel: int) -> None:
    if block_size < 1 or parallel < 1:
        raise HashRefusedError("the hash is damaged")
    if 128 * work * block_size > hashers.MOST_MEMORY or work * block_size * parallel > MOST_SCRYPT_WORK:
        raise HashRefusedError(f"scrypt of N={work:,}, r={block_size}, p={parallel} costs too much to verify")


def _salt_and_hash(salt: str, kept: str, *, least: int = KEPT_BYTES) -> str:
    """Salt and hash in one spelling of Base64. The hash is cut to the part that is compared."""
    data = _bytes(kept)
    _check_length(data, least)
    return f"{to_base64(_bytes(salt))}${to_base64(data[:KEPT_BYTES])}"


def _check_length(data: bytes, least: int) -> None:
    if len(data) < least:
        raise HashRefusedError("the hash is damaged")


def _bytes(text: str) -> bytes:
    """Decodes Base64 in any spelling; passlib writes a dot for the plus."""
    return from_base64(text.replace(".", "+"))


_TAKEN: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Hash]]] = [
    (_ARGON2, _argon2),
    (re.compile(r"argon2(\$.*)"), _django_argon2),
    (_PBKDF2, _pbkdf2),
    (_BCRYPT, _bcrypt),
    (re.compile(r"(bcrypt|bcrypt_sha256)\$(.*)"), _django_bcrypt),
    (_SCRYPT, _scrypt),
    (_PBKDF2_RAW, _raw_pbkdf2),
    (_PBKDF2_PHC, _raw_pbkdf2),
    (_SCRYPT_RAW, _raw_scrypt),
    (_SCRYPT_PHC, _raw_scrypt),
    (_FIREBASE, _firebase),
    (_WRAPPED, _wrapped),
    (_DIGEST, _digest),
    (_LDAP, _ldap),
    (_PHPASS, _phpass),
]
