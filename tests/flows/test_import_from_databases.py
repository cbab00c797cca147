"""Users of real applications move in from their own databases, and log in as before.

A stock Django project with dj-rest-auth and allauth (tests/bench/stock), and an application of the FastAPI Users
package (tests/contract/oracle.py). Their databases are of the same kind as the one they move into. `make moves
N=100000` runs these journeys with any number of users.
"""

import http.client
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import bcrypt
import psycopg
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core.management import call_command

from accounts.models import HashKind, User
from accounts.services import hash_times, keys
from accounts.services.moving import databases
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.fastapi_users import FastAPIUsers
from tests.contract.oracle import Oracle
from tests.moving import Run, move_out
from tests.servers import ON_POSTGRES

pytestmark = pytest.mark.django_db(transaction=True)
T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent.parent
USERS = int(os.environ.get("MOVED_USERS", "300"))
# The most users of these who log in after each move.
SAMPLE = min(300, USERS // 5)
# Fast hashers of every kind that Django has. Salted MD5 is wrapped in Argon2 at the import, so only some have that.
FILL = """
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hasher
from allauth.account.models import EmailAddress
import bcrypt
salts = {"bcrypt_sha256": bcrypt.gensalt(4)}
hashers = [get_hasher(name) for name in ("pbkdf2_sha256", "pbkdf2_sha1", "scrypt", "argon2", "bcrypt_sha256", "md5")]
for hasher in hashers:
    hasher.iterations, hasher.work_factor, hasher.memory_cost = 10, 2, 64
def made(n):
    hasher = hashers[n %% 6 if n < 3000 else n %% 5]
    password = hasher.encode("%s", salts.get(hasher.algorithm, "saltsaltsalt"))
    return get_user_model()(
        username=f"user{n}", email=f"User{n}@example.org", password=password, is_active=n %% 50 != 49)
def address(user):
    n = int(user.username[4:])
    return EmailAddress(user=user, email=f"user{n}@example.org", primary=True, verified=n %% 2 == 0)
for first in range(0, %d, 5000):
    users = get_user_model().objects.bulk_create(made(n) for n in range(first, min(first + 5000, %d)))
    EmailAddress.objects.bulk_create(map(address, users))
"""
STOCK = "tests.bench.stock.settings"
HASHERS = """
from tests.bench.stock.settings import *
PASSWORD_HASHERS = ["django.contrib.auth.hashers." + name for name in (
    "PBKDF2PasswordHasher", "PBKDF2SHA1PasswordHasher", "ScryptPasswordHasher", "Argon2PasswordHasher",
    "BCryptSHA256PasswordHasher", "MD5PasswordHasher")]
"""


@pytest.fixture
def empty_postgres() -> Iterator[str]:
    """The URL of a new database."""
    admin, name = os.environ["DATABASE_URL"], f"old_{os.getpid()}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield admin.replace("/postgres?", f"/{name}?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def stock(tmp_path: Path, request: Any) -> str:
    """The URL of the database of a stock project with USERS users: of the same kind as the one they move into."""
    url = request.getfixturevalue("empty_postgres") if ON_POSTGRES else f"sqlite:///{tmp_path}/stock.sqlite3"
    (tmp_path / "stock_settings.py").write_text(HASHERS)
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "stock_settings", "PYTHONPATH": path}
    for command in (
        ["migrate", "--verbosity", "0"],
        ["shell", "--verbosity", "0", "-c", FILL % (PASSWORD, USERS, USERS)],
    ):
        subprocess.run([sys.executable, "-m", "django", *command], env=environment, check=True, capture_output=True)
    return str(url)


def sample_of(users: Sequence[T]) -> Sequence[T]:
    """At most SAMPLE of these users, in even steps through all of them."""
    return users[:: max(1, len(users) // SAMPLE)]


def start_anew() -> None:
    """Empties the database, and makes this worker forget what it has read."""
    call_command("flush", interactive=False, verbosity=0)
    keys.forget()
    hash_times.forget()


def kept() -> tuple[list[Any], ...]:
    """Every row of the users and of their addresses."""
    return (
        list(User.objects.order_by("pk").values()),
        list(EmailAddress.objects.order_by("user_id").values("user_id", "email", "verified", "primary")),
    )


def move_on(path: Path) -> None:
    """Moves all users out and into an empty database: they are the same there."""
    move_out(path)
    before = kept()
    start_anew()
    assert User.objects.count() == 0
    run = Run(path, "jsonl")
    assert result(run) == (0, [], f"{len(before[0]):,} users were moved in")
    assert kept() == before


def result(run: Run) -> tuple[int, list[str], str]:
    """The exit code, what went wrong, and what was done: without times and progress."""
    complaints = [line for line in run.told if not line.endswith(" a second")]
    return run.code, complaints, run.out[0].rpartition(", in ")[0]


def test_a_stock_django_project(stock: str, tmp_path: Path, settings: Any) -> None:
    settings.RATE_LIMITS = "off"
    run = Run(stock, "django", "--dry-run")
    assert (result(run), User.objects.count()) == ((0, [], f"{USERS:,} users would be moved in"), 0)
    run = Run(stock, "django")
    assert (result(run), User.objects.count()) == ((0, [], f"{USERS:,} users were moved in"), USERS)
    assert not User.objects.filter(password__startswith="md5").exists()
    assert HashKind.objects.count() == 6
    api = AuthApi()
    active = list(User.objects.filter(is_active=True).order_by("created_at", "external_id"))
    assert (len(active), active[0].external_id, active[0].username) == (USERS * 49 // 50, "1", "user0")
    assert (active[0].email, active[0].email_verified) == ("User0@example.org", True)
    for number, user in enumerate(sample_of(active)):
        field = ("username", "email")[number % 2]
        answer = api.login(getattr(user, field), field=field)
        assert (answer.status_code, answer.json()["user"]["pk"]) == (200, str(user.pk))
        if number < 60:
            assert api.login(user.username, PASSWORD[1:]).status_code == 400
    move_on(tmp_path / "users.jsonl")
    for user in sample_of(active):
        assert api.login(user.username).json()["user"]["pk"] == str(user.pk)
    run = Run(stock, "django")
    assert (run.code, run.out[1]) == (0, f"{USERS:,} are there already.")


@pytest.mark.skipif(not ON_POSTGRES, reason="Supabase is a PostgreSQL")
def test_supabase(empty_postgres: str) -> None:
    with psycopg.connect(empty_postgres) as old:
        old.execute("CREATE SCHEMA auth")
        old.execute(
            "CREATE TABLE auth.users (id uuid, email text, encrypted_password text, email_confirmed_at timestamptz,"
            " created_at timestamptz, banned_until timestamptz, deleted_at timestamptz, raw_user_meta_data jsonb,"
            " phone text)"
        )
        old.execute("CREATE TABLE auth.identities (id uuid, user_id uuid, provider text, provider_id text)")
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4, b"2a")).decode()
        old.execute(
            "INSERT INTO auth.users SELECT gen_random_uuid(), 'user' || n || '@example.org', %s, now(), now(), null,"
            " null, '{}', null FROM generate_series(1, 1200) n",
            (hashed,),
        )
        old.execute("INSERT INTO auth.identities SELECT gen_random_uuid(), id, 'google', 'g' || email FROM auth.users")
        old.execute("INSERT INTO auth.identities SELECT gen_random_uuid(), id, 'email', email FROM auth.users")
        first = old.execute("SELECT id FROM auth.users WHERE email = 'user1@example.org'").fetchone()[0]
    run = Run(empty_postgres, "supabase")
    assert (run.code, run.told, User.objects.count(), SocialAccount.objects.count()) == (0, [], 1200, 1200)
    user = User.objects.get(email="user1@example.org")
    assert (user.pk, user.external_id, user.email_verified) == (first, str(first), True)
    assert AuthApi().login("user1").status_code == 200
    # It was read in one read-only snapshot.
    with databases.reading(empty_postgres) as database, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        database._connection.execute("DELETE FROM auth.users")


def test_the_old_database_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"
    with sqlite3.connect(path) as old:
        old.execute("CREATE TABLE members (uuid TEXT, email TEXT, password TEXT, is_active INTEGER)")
        old.execute("INSERT INTO members VALUES ('0a3b1f0e3b1d4d6e9d590f7a4f0a3f11', 'a@example.org', '!', 1)")
    old.close()
    path.chmod(0o444)
    before = path.read_bytes()
    assert Run(f"sqlite+aiosqlite:///{path}", "django", "--table", "members").code == 0
    assert (str(User.objects.get().pk), path.read_bytes()) == ("0a3b1f0e-3b1d-4d6e-9d59-0f7a4f0a3f11", before)


@pytest.mark.parametrize(
    ("source", "format", "told"),
    [
        ("sqlite:///no.sqlite3", "django", "The database cannot be read: there is no file no.sqlite3."),
        ("postgres://127.0.0.1:1/x", "django", "The database cannot be read: connection"),
        ("sqlite:///manage.py", "django", "The database cannot be read: file is not a database."),
        ("sqlite:///no.sqlite3", "auth0", "Only databases of django, fastapi-users, supabase are read."),
        ("no.jsonl", "jsonl", "There is no file no.jsonl."),
    ],
)
def test_invalid_sources_are_refused(source: str, format: str, told: str) -> None:
    run = Run(source, format)
    assert (run.code, run.told[-1][: len(told)]) == (1, told)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "old.sqlite3").executescript("CREATE TABLE x (y)")
    run = Run(f"sqlite:///{tmp_path}/old.sqlite3", "fastapi-users")
    assert run.told == ["The database cannot be read: there is no table user."]


def test_the_real_fastapi_users(tmp_path: Path, settings: Any, request: Any) -> None:
    settings.RATE_LIMITS = "off"
    url = request.getfixturevalue("empty_postgres") if ON_POSTGRES else f"sqlite:///{tmp_path}/fastapi.sqlite3"
    oracle = Oracle(database=url.replace("sqlite:", "sqlite+aiosqlite:").replace("postgresql:", "postgresql+psycopg:"))
    oracle.start()
    emails = [f"user{number}@example.org" for number in range(12)]
    ids = {}
    try:
        for email in emails:
            connection = http.client.HTTPConnection("127.0.0.1", oracle.port)
            body = json.dumps({"email": email, "password": PASSWORD})
            connection.request("POST", "/auth/register", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == 201
            ids[email] = json.loads(answer.read())["id"]
            connection.close()
        oracle.set(emails[0], is_verified=True, is_superuser=True)
        oracle.set(emails[1], is_active=False)
        more = [f"more{number}@example.org" for number in range(USERS - len(emails))]
        ids |= oracle.add(more, PASSWORD)
    finally:
        oracle.stop()
    run = Run(url, "fastapi-users", "--dry-run")
    assert (result(run), User.objects.count()) == ((0, [], f"{USERS:,} users would be moved in"), 0)
    run = Run(url, "fastapi-users")
    assert (result(run), User.objects.count()) == ((0, [], f"{USERS:,} users were moved in"), USERS)
    client = FastAPIUsers()

    def log_in(email: str) -> None:
        answer = client.login(email)
        assert answer.status_code == (400 if email == emails[1] else 200)
        if answer.status_code == 200:
            me = client.call("GET", "/users/me", token=answer.json()["access_token"]).json()
            assert me == {
                "id": ids[email],
                "email": email,
                "is_active": True,
                "is_superuser": email == emails[0],
                "is_verified": email == emails[0],
            }

    for email in [*emails, *sample_of(more)]:
        log_in(email)
    move_on(tmp_path / "users.jsonl")
    for email in [*emails, *sample_of(more)]:
        log_in(email)
