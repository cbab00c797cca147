"""Hashes from other systems: a login answers right or wrong password, whatever the column contains."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import bcrypt
import pytest
from django.contrib.auth import hashers
from django.test import Client

from accounts.core import clock
from accounts.models import Session, User
from accounts.services import passwords
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex, word
from tests.clients.fastapi_users import FastAPIUsers

pytestmark = pytest.mark.django_db
LONG = "correct-horse-" * 10


def raw_bcrypt(password: str, prefix: bytes = b"2b") -> str:
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4, prefix)).decode()


def raw_argon2(password: str) -> str:
    return hashers.Argon2PasswordHasher().encode(password, "saltsaltsalt").removeprefix("argon2")


# Hashes of Django, FastAPI Users, passlib, PHP and others.
READABLE = {
    "bcrypt": lambda password: f"bcrypt${raw_bcrypt(password)}",
    "bcrypt alone": raw_bcrypt,
    "bcrypt 2a": lambda password: raw_bcrypt(password, b"2a"),
    "bcrypt 2y": lambda password: raw_bcrypt(password).replace("$2b$", "$2y$"),
    "bcrypt_sha256": lambda password: hashers.BCryptSHA256PasswordHasher().encode(password, bcrypt.gensalt(4)),
    "argon2 alone": raw_argon2,
    "pbkdf2": lambda password: hashers.PBKDF2PasswordHasher().encode(password, "salt", iterations=10),
    "scrypt": lambda password: hashers.ScryptPasswordHasher().encode(password, "salt", n=2),
}
UNREADABLE = [
    "",
    "x",
    "$",
    "!",
    "a" * 32,
    "é" * 128,
    "plain-text",
    "md5$salt$0123456789abcdef0123456789abcdef",
    "sha1$$0123456789abcdef0123456789abcdef01234567",
    "$2b$",
    "$2b$04$tooshort",
    "$2b$99$" + "a" * 53,
    "bcrypt",
    "bcrypt$",
    "bcrypt$é",
    "bcrypt_sha256$$2b$04$x",
    "pbkdf2_sha256$",
    "pbkdf2_sha256$x$salt$hash",
    "pbkdf2_sha256$-1$salt$hash",
    "pbkdf2_sha256$99999999999999999999$salt$hash",
    "scrypt$999999999999999999999999999999$salt$8$1$hash",
    "scrypt$3$salt$8$1$hash",
    "argon2$",
    "$argon2id$v=19$m=19456",
    "argon2$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$é",
    "argon2$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$!",
]


def keep(stored: str) -> None:
    User.objects.update(password=stored)


def answers(password: str) -> list[bool]:
    """Whether alice can log in with this password, for each door."""
    admin = Client().post("/admin/login/", {"username": "alice", "password": password})
    authapi = AuthApi().login("alice", password)
    package = FastAPIUsers().login("alice@example.org", password)
    durudex = Durudex().login("alice", password)
    wrong = [
        admin.status_code == 200,
        (authapi.status_code, list(authapi.json())) == (400, ["non_field_errors"]),
        (package.status_code, package.json()) == (400, {"detail": "LOGIN_BAD_CREDENTIALS"}),
        "errors" in durudex.json() and word(durudex) == "INVALID_ARGUMENT",
    ]
    right = [
        admin.status_code == 302,
        authapi.status_code == 200,
        package.status_code == 200,
        durudex.json().get("data") is not None,
    ]
    assert [one != other for one, other in zip(right, wrong, strict=True)] == [True] * 4
    return right


@pytest.fixture
def staff(alice: Any) -> None:
    User.objects.update(is_staff=True, is_superuser=True)


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("password", [PASSWORD, LONG, "пароль-длиннее-семидесяти-двух-байтов-которые-видит-bcrypt"])
def test_the_right_password(staff: None, name: str, password: str) -> None:
    keep(READABLE[name](password))
    assert answers(PASSWORD[::-1]) == [False] * 4
    assert AuthApi().login("alice", password).status_code == 200
    stored = User.objects.get().password
    assert stored.startswith("argon2$argon2id$") or name == "argon2 alone"
    assert answers(password) == [True] * 4


@pytest.mark.parametrize("stored", UNREADABLE)
def test_an_invalid_hash_fits_no_password(staff: None, api: AuthApi, alice: Any, stored: str) -> None:
    keep(stored)
    assert answers(PASSWORD) == [False] * 4
    # The content of the column is not the password either.
    assert stored == "" or api.login("alice", stored).status_code == 400
    # An account without a password sets one with a recent proof in its place.
    Session.objects.update(auth_time=clock.now() - timedelta(minutes=11))
    refused = 403 if stored.startswith("!") else 400
    assert api.change_password(alice["access"], PASSWORD, "battery-staple-7").status_code == refused
    assert User.objects.get().password == stored


# Argon2's own library refuses the last one before it hashes. Input from outside cannot cause that.
@pytest.mark.parametrize("stored", UNREADABLE[:-1])
def test_its_answer_costs_one_hash(stored: str) -> None:
    user = User(password=stored)
    with patch.object(passwords.Argon2idHasher, "encode", return_value="argon2$") as encode:
        assert passwords.verify(PASSWORD, user) == passwords.Verdict(correct=False, hash=stored)
    assert encode.call_count == 1


# The functions and not their hashes: the names of the tests must be the same in every process that runs them.
@pytest.mark.parametrize("stored", [*UNREADABLE, *READABLE.values()])
def test_the_admin_shows_the_account(staff: None, stored: Any) -> None:
    stored = stored(PASSWORD) if callable(stored) else stored
    browser = Client()
    browser.post("/admin/login/", {"username": "alice", "password": PASSWORD})
    bob = User.objects.create(username="bob", email="bob@example.org", password=stored)
    page = browser.get(f"/admin/accounts/user/{bob.pk}/change/")
    assert page.status_code == 200
    assert not stored or len(stored) < 20 or stored not in page.content.decode()
