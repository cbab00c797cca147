"""Which passwords are refused, at every door (OWASP ASVS 5.0, 6.2.4, 6.2.5 and 6.2.11; NIST SP 800-63B-4 §3.1.1.2)."""

import gzip
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import password_validation
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from accounts.models import User
from accounts.services import links
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex
from tests.clients.fastapi_users import FastAPIUsers

COMMON = "This password is too common."
SITE = "The password is too similar to the name of this site."
Door = Callable[[str], str]


def reasons(password: str, **user: str) -> list[str]:
    try:
        validate_password(password, User(**{"username": "alice", "email": "liddell@wonderland.example"} | user))
    except ValidationError as error:
        return error.messages
    return []


@pytest.mark.parametrize(
    "password",
    [
        *("Passw0rd!", "Welcome1!", "Summer2025!", "P@$$w0rd", "P@ssw0rd2024!", "Password123456!", "2025Summer"),
        *("passwordpassword", "password password", "aaaaaaaa", "abcabcabc", "12341234", "drowssap"),
        *("qwertyuiopasdfgh", "12345678", "87654321", "1qaz2wsx", "abcd1234", "qwerty123456", "йцукенгш"),
        *("adm1n1strator", "Michael1995!", "!!Football", "$ecret123", "iloveyou2", "letmein123"),
    ],
)
def test_what_is_guessed_first(password: str) -> None:
    assert reasons(password) == [COMMON]


def test_the_most_common_passwords() -> None:
    path = Path(password_validation.__file__).with_name("common-passwords.txt.gz")
    with gzip.open(path, "rt") as file:
        long_enough = [line.strip() for line in file if len(line.strip()) >= 8][:3000]
    assert len(long_enough) == 3000
    assert [password for password in long_enough if COMMON not in reasons(password)] == []


@pytest.mark.parametrize("password", ["zbylut-2025!", "2byLut2025!", "k@mienna1", "!Zbigniev!", "zb1gniev123"])
def test_the_users_own_name_and_address(password: str) -> None:
    (reason,) = reasons(password, username="zbylut", email="zbigniev@kamienna.example")
    assert reason in ("The password is too similar to the username.", "The password is too similar to the e-mail.")


def test_the_sites_name(settings: Any) -> None:
    settings.PUBLIC_URL = "https://id.aviaplan.example"
    for password in ("Aviaplan1!", "id.aviaplan.example", "Av1aplan2025!", "aviaplan.example", "4viaplan"):
        assert reasons(password) == [SITE]
    settings.PUBLIC_URL = "https://id.example.org"
    assert reasons("Aviaplan1!") == []
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    assert reasons("127.0.0.1") == [SITE]


@pytest.mark.parametrize(
    "password",
    [
        *(
            "483920174658312",
            "90 21 07 31",
            "sdkfjwoe",
            "🐴🔋📎✅🐙🦑🪼🐡",
            "Tr0ub4dor&3",
            "тайный-конь",
            "sommerwindmühle",
        ),
        *(PASSWORD, PASSWORD * 3, "a" * 40 + "-horse-9", "xyzzy-plugh-" * 85 + "1234"),
    ],
)
def test_what_is_fine(password: str) -> None:
    assert reasons(password) == []


@pytest.mark.parametrize("letters", ["abcdefghijklmnopqrstuvwxyz", "0123456789 ", "🐀🐁🐂🐃🐄🐅🐆🐇🐈🐉🐊🐋🐌🐍🐎🐏"])
def test_random_texts_of_the_shortest_length(letters: str) -> None:
    chance = random.Random(12)
    texts = ["".join(chance.choices(letters, k=8)) for _ in range(2000)]
    assert sum(bool(reasons(text)) for text in texts) <= 4


@pytest.mark.parametrize(
    "password",
    [
        *("a" * 1024, "ab" * 512, "a" * 1023 + "b", "a" * 511 + "b" + "a" * 512, "4@8({[<369!|1|$50+7%2" * 48),
        *("1!a" * 21, "!1!1" + "a1" * 26 + "!1!1!1!", "ß" * 1024, "pa55word" * 128),
    ],
)
def test_costs_little(password: str) -> None:
    reasons(password)
    began = time.process_time()
    for _ in range(10):
        reasons(password)
    assert (time.process_time() - began) / 10 < 0.005


@pytest.fixture
def doors(api: AuthApi, alice: Any, settings: Any) -> dict[str, Door]:
    """The ways to set a password. Each returns the refusal's text."""
    settings.RATE_LIMITS = "off"
    token, fastapi_users, newer, older = alice["access"], FastAPIUsers(), Durudex(), Durudex(older=True)
    alices = User.objects.with_address().get()
    key = links.reset_token(alices)
    boss = api.register("boss").json()
    User.objects.filter(username="boss").update(is_staff=True, is_superuser=True)
    admin = Client()
    admin.post("/admin/login/", {"username": "boss", "password": PASSWORD})
    resets = {"uid": links.reset_uid(alices), "token": key}

    def register(password: str) -> Any:
        return api.register("bob", password=password)

    def add(password: str) -> Any:
        body = {"username": "bob", "email": "bob@example.org", "password1": password, "password2": password}
        return admin.post("/admin/accounts/user/add/", body, follow=True)

    def change_in_the_admin(password: str) -> Any:
        body = {"old_password": PASSWORD, "new_password1": password, "new_password2": password}
        return admin.post("/admin/password_change/", body, follow=True)

    def page(password: str) -> Any:
        return Client().post("/reset-password", {"token": key, "password1": password, "password2": password})

    answers: dict[str, Callable[[str], Any]] = {
        "AuthApi registration": register,
        "AuthApi change": lambda password: api.change_password(token, PASSWORD, password),
        "AuthApi reset": lambda password: api.confirm_reset(**resets, new=password),
        "FastAPI Users registration": lambda password: fastapi_users.register("bob@example.org", password),
        "FastAPI Users change": lambda password: fastapi_users.change_me(token, password=password),
        "FastAPI Users change by a superuser": lambda password: fastapi_users.change(
            str(alices.pk), boss["access"], password=password
        ),
        "FastAPI Users reset": lambda password: fastapi_users.reset_password(key, password),
        "Durudex registration": lambda password: newer.register("bob", password=password),
        "Durudex registration, older": lambda password: older.register("bob", password=password),
        "Durudex reset": lambda password: newer.forgot_password(
            "alice@example.org", newer.mailed_code("alice@example.org"), password
        ),
        "admin, a user": add,
        "admin, one's own": change_in_the_admin,
        "page": page,
    }
    return {name: partial(_said, door) for name, door in answers.items()}


def _said(door: Callable[[str], Any], password: str) -> str:
    return str(door(password).content.decode())


DOORS = [
    *("AuthApi registration", "AuthApi change", "AuthApi reset"),
    *("FastAPI Users registration", "FastAPI Users change", "FastAPI Users change by a superuser"),
    *("FastAPI Users reset", "Durudex registration", "Durudex registration, older", "Durudex reset"),
    *("admin, a user", "admin, one's own", "page"),
]


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.django_db
def test_every_door(doors: dict[str, Door], name: str) -> None:
    assert sorted(doors) == sorted(DOORS)
    before = set(User.objects.values_list("username", "password"))
    for password in ("Passw0rd!", "passwordpassword", "qwertyuiopasdfgh"):
        assert COMMON in doors[name](password)
    assert SITE in doors[name]("127.0.0.1")
    assert set(User.objects.values_list("username", "password")) == before
    doors[name]("483920174658312")
    changed = set(User.objects.values_list("username", "password")) - before
    assert len(changed) == 1


class OutsideOfTransactions:
    """A validator that notes whether a transaction is open, because a validator may use the network."""

    seen: list[bool] = []

    def validate(self, password: str, user: Any = None) -> None:
        self.seen.append(connection.in_atomic_block)


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open(doors: dict[str, Door], name: str, settings: Any) -> None:
    settings.AUTH_PASSWORD_VALIDATORS = [{"NAME": f"{__name__}.{OutsideOfTransactions.__name__}"}]
    OutsideOfTransactions.seen.clear()
    doors[name]("483920174658312")
    assert set(OutsideOfTransactions.seen) == {False}


@pytest.mark.django_db
def test_commands(alice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (["changepassword", "alice"], ["createsuperuser", "--noinput"]):
        for name in ("DJANGO_NEW_PASSWORD", "DJANGO_SUPERUSER_PASSWORD"):
            monkeypatch.setenv(name, "Passw0rd!")
        monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "bob")
        monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", "bob@example.org")
        with pytest.raises(CommandError, match="too common"):
            call_command(*command)


LONG = "xyzzy-plugh-" * 85 + "1234"


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.django_db
def test_rows_1_6_and_9_lengths_at_every_door(doors: dict[str, Door], name: str) -> None:
    before = set(User.objects.values_list("username", "password"))
    for password in ("sdkfjwo", "🐴🔋📎✅🐙🦑🪼", LONG + "5"):
        doors[name](password)
        assert set(User.objects.values_list("username", "password")) == before, password
    # Eight code points are enough, with any number of bytes.
    doors[name]("🐴🔋📎✅🐙🦑🪼🐡")
    assert len(set(User.objects.values_list("username", "password")) - before) == 1


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize(
    ("password", "same", "others"),
    [
        pytest.param(LONG, LONG, [LONG[:-1] + "5", LONG[:-1], LONG[:128], LONG[:72]], id="to its end (rows 6, 12)"),
        pytest.param("  Spaced Out  ", "  Spaced Out  ", ["Spaced Out", "  spaced out  "], id="as it is (row 5)"),
        pytest.param("cafe\u0301-au-lait", "caf\u00e9-au-lait", ["cafe-au-lait"], id="normalised (row 10)"),
    ],
)
@pytest.mark.django_db
def test_rows_5_6_10_and_12_what_is_compared(
    doors: dict[str, Door], api: AuthApi, name: str, password: str, same: str, others: list[str]
) -> None:
    before = set(User.objects.values_list("email", "password"))
    doors[name](password)
    ((email, _hash),) = set(User.objects.values_list("email", "password")) - before
    username = User.objects.get(email=email).username
    for typed, is_in in ((same, True), *((other, False) for other in others)):
        assert (api.login(username, typed).status_code == 200) is is_in
        assert (FastAPIUsers().login(email, typed).status_code == 200) is is_in
        assert ("errors" not in Durudex().login(username, typed).json()) is is_in
