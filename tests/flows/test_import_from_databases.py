"""Users of real applications move in from their own databases, and log in as before.

A stock Django project with dj-rest-auth and allauth (tests/bench/stock), and an application of the FastAPI Users
package (tests/contract/oracle.py) whose database is a file.
"""

import http.client
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import psycopg
import pytest
from allauth.socialaccount.models import SocialAccount

from accounts.models import User
from accounts.services.moving import databases
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.fastapi_users import FastAPIUsers
from tests.contract.oracle import Oracle
from tests.moving import Run, move_out
from tests.servers import ON_POSTGRES

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parent.parent.parent
USERS = 300
# Fast hashers of every kind that Django has.
FILL = """
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hasher
from allauth.account.models import EmailAddress
import bcrypt
salts = {"bcrypt_sha256": bcrypt.gensalt(4)}
hashers = [get_hasher(name) for name in ("pbkdf2_sha256", "pbkdf2_sha1", "scrypt", "argon2", "bcrypt_sha256", "md5")]
for hasher in hashers:
    hasher.iterations, hasher.work_factor, hasher.memory_cost = 10, 2, 64
for n in range(%d):
    hasher = hashers[n %% 6]
    salt = salts.get(hasher.algorithm, "saltsaltsalt")
    user = get_user_model().objects.create(
        username=f"user{n}", email=f"User{n}@example.org", password=hasher.encode("%s", salt), is_active=n %% 50 != 49)
    EmailAddress.objects.create(user=user, email=f"user{n}@example.org", primary=True, verified=n %% 2 == 0)
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
    for command in (["migrate", "--verbosity", "0"], ["shell", "--verbosity", "0", "-c", FILL % (USERS, PASSWORD)]):
        subprocess.run([sys.executable, "-m", "django", *command], env=environment, check=True, capture_output=True)
    return str(url)


def test_a_stock_django_project(stock: str, tmp_path: Path, settings: Any) -> None:
    settings.RATE_LIMITS = "off"
    run = Run(stock, "django", "--dry-run")
    assert (run.code, run.told, run.out[0][:4], User.objects.count()) == (0, [], f"{USERS} ", 0)
    run = Run(stock, "django")
    assert (run.code, run.told, run.out[0][:4], User.objects.count()) == (0, [], f"{USERS} ", USERS)
    assert not User.objects.filter(password__startswith="md5").exists()
    api = AuthApi()
    active = list(User.objects.filter(is_active=True).order_by("external_id"))
    assert (len(active), active[0].external_id, active[0].username) == (USERS * 49 // 50, "1", "user0")
    assert (active[0].email, active[0].email_verified) == ("User0@example.org", True)
    path = tmp_path / "users.jsonl"
    for number, user in enumerate(active[:60]):
        field = ("username", "email")[number % 2]
        answer = api.login(getattr(user, field), field=field)
        assert (answer.status_code, answer.json()["user"]["pk"]) == (200, str(user.pk))
        assert api.login(user.username, PASSWORD[1:]).status_code == 400
    # Out, and into an empty database.
    move_out(path)
    before = list(User.objects.order_by("pk").values())
    User.objects.all().delete()
    assert (Run(path, "jsonl").code, list(User.objects.order_by("pk").values())) == (0, before)
    for user in active[::5]:
        assert api.login(user.username).status_code == 200
    run = Run(stock, "django")
    assert (run.code, run.out[1]) == (0, f"{USERS} are there already.")


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
def test_sources_that_are_none(source: str, format: str, told: str) -> None:
    run = Run(source, format)
    assert (run.code, run.told[-1][: len(told)]) == (1, told)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "old.sqlite3").executescript("CREATE TABLE x (y)")
    run = Run(f"sqlite:///{tmp_path}/old.sqlite3", "fastapi-users")
    assert run.told == ["The database cannot be read: there is no table user."]


def test_the_real_fastapi_users(tmp_path: Path, settings: Any) -> None:
    settings.RATE_LIMITS = "off"
    path = tmp_path / "fastapi.sqlite3"
    oracle = Oracle(database=f"sqlite+aiosqlite:///{path}")
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
    finally:
        oracle.stop()
    # The others have hashes of the same kinds as these twelve.
    with sqlite3.connect(path) as old:
        rows = old.execute('SELECT hashed_password FROM "user"').fetchall()
        more = [(f"{n:032x}", f"more{n}@example.org", rows[n % 12][0]) for n in range(1, 289)]
        columns = "id, email, hashed_password, is_active, is_superuser, is_verified"
        old.executemany(f'INSERT INTO "user" ({columns}) VALUES (?, ?, ?, 1, 0, 0)', more)
    old.close()
    run = Run(f"sqlite:///{path}", "fastapi-users")
    assert (run.code, run.told, User.objects.count()) == (0, [], 300)
    client = FastAPIUsers()
    for email in [*emails, "more1@example.org", "more288@example.org"]:
        answer = client.login(email)
        assert answer.status_code == (400 if email == emails[1] else 200)
        if answer.status_code == 200 and email in ids:
            me = client.call("GET", "/users/me", token=answer.json()["access_token"]).json()
            assert me == {
                "id": ids[email],
                "email": email,
                "is_active": True,
                "is_superuser": email == emails[0],
                "is_verified": email == emails[0],
            }
    moved = tmp_path / "users.jsonl"
    move_out(moved)
    before = list(User.objects.order_by("pk").values())
    User.objects.all().delete()
    assert (Run(moved, "jsonl").code, list(User.objects.order_by("pk").values())) == (0, before)
    assert client.login("more7@example.org").status_code == 200
