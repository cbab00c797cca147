"""Hashes of other systems: their stored form, logins with their passwords, and refused hashes."""

import base64
import hashlib
import os
from typing import Any

import bcrypt
import pytest
from argon2 import PasswordHasher, Type
from django.contrib.auth import hashers

from accounts.models import User
from accounts.services import passwords
from accounts.services.moving import hashes
from accounts.services.moving.hashes import HashRefusedError
from tests.clients.authapi import PASSWORD, AuthApi


@pytest.fixture(autouse=True)
def cheap_hashes() -> None:
    """None here: a password has its real cost."""


SALT = b"\x00\xff\xfesalt-of-16-by"
SIGNER_KEY = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def ab64(data: bytes) -> str:
    return b64(data).replace("+", ".")


def made_of(digest: str, data: bytes) -> bytes:
    return hashlib.new(digest, data).digest()


def argon2(kind: Type) -> Any:
    return lambda password: PasswordHasher(1, 64, 1, type=kind).hash(password)


def phc_pbkdf2(digest: str, length: int) -> Any:
    def made(password: str) -> str:
        derived = hashlib.pbkdf2_hmac(digest, password.encode(), SALT, 10, length)
        return f"$pbkdf2-{digest}$i=10,l={length}${b64(SALT)}${b64(derived)}"

    return made


def passlib_pbkdf2(password: str) -> str:
    return f"$pbkdf2$10${ab64(SALT)}${ab64(hashlib.pbkdf2_hmac('sha1', password.encode(), SALT, 10, 20))}"


def phc_scrypt(password: str) -> str:
    derived = hashlib.scrypt(password.encode(), salt=SALT, n=16, r=8, p=1, dklen=64)
    return f"$scrypt$ln=4,r=8,p=1${b64(SALT)}${b64(derived)}"


def salted(digest: str) -> Any:
    return lambda password: f"{digest}$s.alt${hashlib.new(digest, b's.alt' + password.encode()).hexdigest()}"


def ldap(name: str, digest: str, salt: bytes) -> Any:
    return lambda password: (
        f"{{{name}}}{base64.b64encode(hashlib.new(digest, password.encode() + salt).digest() + salt).decode()}"
    )


def phpass(password: str) -> str:
    """Like its reference code in PHP: 2^9 rounds."""
    letters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    digest = made_of("md5", b"saltsalt" + password.encode())
    for _ in range(2**9):
        digest = made_of("md5", digest + password.encode())
    text, place = "", 0
    while place < 16:
        value = digest[place]
        place += 1
        text += letters[value & 63]
        if place < 16:
            value |= digest[place] << 8
        text += letters[value >> 6 & 63]
        place += 1
        if place > 16:
            break
        if place < 16:
            value |= digest[place] << 16
        text += letters[value >> 12 & 63]
        place += 1
        if place > 16:
            break
        text += letters[value >> 18 & 63]
    return "$P$7saltsalt" + text


STRONG = {
    "argon2id": argon2(Type.ID),
    "argon2i": argon2(Type.I),
    "argon2d": argon2(Type.D),
    "django argon2": lambda password: f"argon2{argon2(Type.I)(password)}",
    "bcrypt 2a": lambda password: bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4, b"2a")).decode(),
    "bcrypt 2b": lambda password: bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode(),
    "bcrypt 2y": lambda password: (
        bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$")
    ),
    "django bcrypt_sha256": lambda password: hashers.BCryptSHA256PasswordHasher().encode(password, bcrypt.gensalt(4)),
    "django pbkdf2": lambda password: hashers.PBKDF2PasswordHasher().encode(password, "salt", iterations=10),
    "django pbkdf2_sha1": lambda password: hashers.PBKDF2SHA1PasswordHasher().encode(password, "salt", iterations=10),
    "django scrypt": lambda password: hashers.ScryptPasswordHasher().encode(password, "salt", n=2),
    "pbkdf2-sha256 of 32": phc_pbkdf2("sha256", 32),
    "pbkdf2-sha256 of 64": phc_pbkdf2("sha256", 64),
    "pbkdf2-sha512 of 64": phc_pbkdf2("sha512", 64),
    "pbkdf2 of passlib": passlib_pbkdf2,
    "scrypt": phc_scrypt,
}
WEAK = {
    "phpass": phpass,
    "md5": salted("md5"),
    "sha1": salted("sha1"),
    "sha256": salted("sha256"),
    "sha512": salted("sha512"),
    "md5 without salt": lambda password: "md5$$" + made_of("md5", password.encode()).hex(),
    "ssha": ldap("SSHA", "sha1", SALT[:8]),
    "ssha in small letters": ldap("ssha", "sha1", SALT[:4]),
    "ssha256": ldap("SSHA256", "sha256", SALT),
    "ssha512": ldap("SSHA512", "sha512", SALT),
    "smd5": ldap("SMD5", "md5", SALT[:8]),
    "sha": ldap("SHA", "sha1", b""),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", [*STRONG, *WEAK])
@pytest.mark.parametrize("password", [PASSWORD, "пароль-длиннее-семидесяти-двух-байтов-которые-видит-bcrypt"])
def test_the_first_login_replaces_it(api: AuthApi, alice: Any, name: str, password: str) -> None:
    original = (STRONG | WEAK)[name](password)
    stored = hashes.read(original).to_keep()
    assert len(stored) <= 128
    # A stored hash is accepted again unchanged, so exported accounts can be imported.
    assert hashes.read(stored).to_keep() == stored
    assert (name in WEAK) == stored.startswith("wrapped$")
    if name in WEAK:
        assert original.rpartition("$")[2].rpartition("}")[2] not in stored
    User.objects.update(password=stored)
    assert api.login("alice", password[::-1]).status_code == 400
    assert api.login("alice", "").status_code == 400
    assert User.objects.get().password == stored
    assert api.login("alice", password).status_code == 200
    assert User.objects.get().password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert api.login("alice", password).status_code == 200


# The example of Firebase's own repository (github.com/firebase/scrypt).
FIREBASE = (
    "firebase_scrypt$42xEC+ixf3L2lw==$"
    "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
)


@pytest.mark.django_db
def test_firebase(api: AuthApi, alice: Any, settings: Any) -> None:
    with pytest.raises(HashRefusedError, match="FIREBASE_SIGNER_KEY is not set"):
        hashes.read(FIREBASE)
    settings.FIREBASE_SIGNER_KEY = base64.b64decode(SIGNER_KEY)
    stored = hashes.read(FIREBASE).to_keep()
    User.objects.update(password=stored)
    assert api.login("alice", "user2password").status_code == 400
    settings.FIREBASE_SIGNER_KEY = b""
    assert api.login("alice", "user1password").status_code == 400
    settings.FIREBASE_SIGNER_KEY = base64.b64decode(SIGNER_KEY)
    assert api.login("alice", "user1password").status_code == 200
    assert User.objects.get().password.startswith("argon2$argon2id$")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a hash of an unknown kind"),
        ("plain text", "a hash of an unknown kind"),
        ("d41d8cd98f00b204e9800998ecf8427e", "a hash of an unknown kind"),
        ("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "a hash of an unknown kind"),
        ("$6$saltsalt$x", "a hash of an unknown kind"),
        ("$2b$14$" + "a" * 53, "bcrypt of cost 14, and not of 4 to 13"),
        ("bcrypt$$2b$31$" + "a" * 53, "bcrypt of cost 31, and not of 4 to 13"),
        ("bcrypt$x", "the hash is damaged"),
        ("$2b$10$short", "a hash of an unknown kind"),
        ("argon2$argon2id$x", "the hash is damaged"),
        ("$argon2id$v=19$m=1048576,t=1,p=1$" + "a" * 22 + "$" + "a" * 43, "costs too much to verify"),
        ("$argon2id$v=19$m=65536,t=5,p=1$" + "a" * 22 + "$" + "a" * 43, "costs too much to verify"),
        ("argon2$argon2id$v=19$m=99999999,t=9,p=1$" + "a" * 22 + "$" + "a" * 43, "costs too much to verify"),
        ("$argon2id$v=19$m=64,t=1,p=200$" + "a" * 22 + "$" + "a" * 43, "out of range"),
        ("$argon2id$v=19$m=64,t=1,p=1$" + "a" * 22 + "$" + "a" * 12, "the hash is damaged"),
        ("$argon2id$v=19$m=64,t=1,p=1$" + "a" * 22 + "$" + "a" * 90, "longer than 128 letters"),
        ("pbkdf2_sha256$2000001$salt$" + "a" * 43 + "=", "PBKDF2 of 2,000,001 rounds"),
        ("pbkdf2_sha256$0$salt$" + "a" * 43 + "=", "PBKDF2 of 0 rounds"),
        ("pbkdf2_sha256$1000$salt$aaaa", "the hash is damaged"),
        ("$pbkdf2-sha512$i=1000001,l=64$c2FsdA$" + "a" * 86, "PBKDF2 of 1,000,001 rounds"),
        ("$pbkdf2-sha256$1000$c2FsdA$aaaa", "the hash is damaged"),
        ("$scrypt$ln=18,r=8,p=1$c2FsdA$" + "a" * 43, "costs too much to verify"),
        ("$scrypt$ln=14,r=8,p=16$c2FsdA$" + "a" * 43, "costs too much to verify"),
        ("$scrypt$ln=99,r=8,p=1$c2FsdA$" + "a" * 43, "the hash is damaged"),
        ("scrypt$3$salt$8$1$" + "a" * 88, "the hash is damaged"),
        ("scrypt$1048576$salt$8$1$" + "a" * 88, "costs too much to verify"),
        ("wrapped$rot13$$" + "a" * 22 + "$" + "a" * 43, "the hash is damaged"),
        ("wrapped$md5$$$", "a hash of an unknown kind"),
        ("md5$salt$abc", "the hash is damaged"),
        ("sha256$salt$" + "a" * 40, "the hash is damaged"),
        ("sha256$" + "s" * 60 + "$" + "a" * 64, "the salt of the hash is too long"),
        ("{SSHA}" + base64.b64encode(b"a" * 20).decode(), "the hash is damaged"),
        ("{SHA}" + base64.b64encode(b"a" * 24).decode(), "the hash is damaged"),
        ("{SSHA}é", "the hash is damaged"),
        ("$P$zsaltsalt" + "a" * 22, "the hash is damaged"),
        ("firebase_scrypt$$", "a hash of an unknown kind"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(HashRefusedError, match=why):
        hashes.read(text)


@pytest.mark.parametrize(
    "stored",
    [
        "pbkdf2_raw$sha256$10$c2FsdA$",
        "pbkdf2_raw$sha256$10$c2FsdA$aaaa",
        "pbkdf2_raw$rot13$10$c2FsdA$" + "a" * 43,
        "pbkdf2_raw$sha256$" + "a" * 43,
        "scrypt_raw$99$8$1$c2FsdA$" + "a" * 43,
        "scrypt_raw$25$8$1$c2FsdA$" + "a" * 43,
        "firebase_scrypt$c2FsdA$" + "a" * 43,
        "wrapped$rot13$$" + "a" * 22 + "$" + "a" * 43,
        "wrapped$phpass$AAAA$" + "a" * 22 + "$" + "a" * 43,
        "wrapped$md5$$$",
    ],
)
@pytest.mark.parametrize("password", ["", PASSWORD])
def test_nothing_is_right_for_what_is_damaged(stored: str, password: str) -> None:
    assert passwords.verify(password, User(password=stored)) == passwords.Verdict(correct=False, hash=stored)


@pytest.mark.parametrize("digest", ["sha256", "sha512", "sha1", "md5"])
def test_random_salts(digest: str) -> None:
    for _ in range(20):
        salt = os.urandom(8).hex()
        text = f"{digest}${salt}${hashlib.new(digest, (salt + PASSWORD).encode()).hexdigest()}"
        assert passwords.verify(PASSWORD, User(password=hashes.read(text).to_keep())).correct
