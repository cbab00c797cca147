"""Configuration (contract): every variable, its default, and the message that names it when it is bad."""

import os
import secrets
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from accounts.checks import connections_fit, hosts_are_named
from config import environment
from tests.processes import database_url, finish, manage
from tests.servers import ON_POSTGRES


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "0"),
        ("PORT", "70000"),
        ("WEB_CONCURRENCY", "-1"),
        ("SECRET_KEY", "short"),
        ("PUBLIC_URL", "id.example.org"),
        ("PUBLIC_URL", "https://id.example.org/accounts"),
        ("PUBLIC_URL", "ftp://id.example.org"),
        ("DATABASE_URL", "mysql://u@h/d"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgres://u:pa:ss@h/d?pool_size=3"),
        ("DATABASE_URL", "postgres://u:pa:ss@h/d?conn_max_age=60"),
        ("DATABASE_URL", "postgres://u:pa:ss@h/d?isolation_level=3"),
        ("DATABASE_URL", "postgres://u:pa:ss@h/d?connect_timeout=soon"),
        ("DATABASE_URL", "postgres://u:pa:ss@h/d?pool_min_size=9"),
        ("DATABASE_PREPARED_STATEMENTS", "5"),
        ("CACHE_URL", "memcached://h"),
        ("EMAIL_URL", "http://mail.example.org"),
        ("EMAIL_URL", "smtp://"),
        ("EMAIL_URL", "smtp://user:pa:ss@host:port"),
        ("VERIFY_EMAIL_URL", "https://app.example.org/verify"),
        ("VERIFY_EMAIL_URL", "https://app.example.org/{token}"),
        ("VERIFY_EMAIL_URL", "javascript:{key}"),
        ("PASSWORD_RESET_URL", "https://app.example.org/{uid}"),
        ("EMAIL_VERIFICATION", "sometimes"),
        ("ACCESS_TOKEN_MINUTES", "0"),
        ("ACCESS_TOKEN_MINUTES", "5.5"),
        ("SESSION_DAYS", "0"),
        ("SESSION_DAYS", "²"),
        ("REFRESH_GRACE_SECONDS", "-1"),
        ("TRUSTED_PROXY_COUNT", "many"),
        ("CORS_ALLOWED_ORIGINS", "*"),
        ("CORS_ALLOWED_ORIGINS", "null"),
        ("CORS_ALLOWED_ORIGINS", "https://app.example.org,https://app.example.org/path"),
        ("PWNED_PASSWORDS_URL", "api.pwnedpasswords.com/range"),
        ("PWNED_PASSWORDS_URL", "https://api.pwnedpasswords.com/range?x=1"),
    ],
)
def test_bad_value_stops_the_start(name: str, value: str) -> None:
    with manage("check", **{"DATABASE_URL": "postgres://db.example.org/accounts", name: value}) as process:
        code, said = finish(process)
    assert code == 1
    assert said.startswith(f"Configuration error: {name}: ")
    assert len(said.splitlines()) == 1
    # URLs contain passwords, so messages do not repeat them.
    assert "pa:ss" not in said


def test_access_token_may_not_outlive_its_session(settings: Any) -> None:
    settings.ACCESS_TOKEN_MINUTES, settings.SESSION_DAYS = 24 * 60 + 1, 1
    with pytest.raises(SystemCheckError, match=r"accounts.E001.*ACCESS_TOKEN_MINUTES"):
        call_command("check")


def test_hosts_are_named(settings: Any) -> None:
    assert hosts_are_named() == []
    settings.ALLOWED_HOSTS = ["*"]
    (warning,) = hosts_are_named()
    assert (warning.id, warning.msg) == ("accounts.W002", "ALLOWED_HOSTS: * lets a request claim any host")


def test_a_deployment_over_https_passes_every_check() -> None:
    urls = {"PUBLIC_URL": "https://accounts.example.org", "ALLOWED_HOSTS": "accounts.example.org"}
    key = secrets.token_urlsafe(64)
    with manage("check", "--deploy", "--fail-level", "WARNING", SECRET_KEY=key, **urls) as process:
        code, said = finish(process)
    assert (code, said.partition(" (")[0]) == (0, "System check identified no issues")


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has no connections to spare")
@pytest.mark.django_db
def test_the_connections_of_the_workers_fit(settings: Any) -> None:
    # PostgreSQL's own default is 100, of which 3 are a superuser's.
    settings.WEB_CONCURRENCY, settings.DATABASE_POOL = 3, {**settings.DATABASE_POOL, "max_size": 30}
    assert connections_fit(databases=["default"]) == []
    settings.WEB_CONCURRENCY = 4
    assert connections_fit() == []
    (warning,) = connections_fit(databases=["default"])
    assert (warning.id, warning.msg) == (
        "accounts.W004",
        "DATABASE_POOL_SIZE: 4 workers with 30 connections each and 6 others need 126, and PostgreSQL gives 97",
    )


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has no connections to spare")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("prepares", "warns"), [("on", True), ("off", False)])
def test_check_warns_of_too_many_connections(prepares: str, warns: bool) -> None:
    environment = {"WEB_CONCURRENCY": "16", "DATABASE_PREPARED_STATEMENTS": prepares}
    with manage("check", "--database", "default", **{"DATABASE_URL": database_url(), **environment}) as process:
        code, said = finish(process)
    assert (code, "?: (accounts.W004) DATABASE_POOL_SIZE: 16 workers" in said) == (0, warns)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://u:p%40@mail.example.org:2525", ("mail.example.org", 2525, "u", "p@", False, False)),
        ("smtp://mail.example.org", ("mail.example.org", 25, "", "", False, False)),
        ("smtps://mail.example.org", ("mail.example.org", 465, "", "", False, True)),
        ("smtp+tls://mail.example.org", ("mail.example.org", 587, "", "", True, False)),
    ],
)
def test_email_url(monkeypatch: pytest.MonkeyPatch, url: str, expected: tuple[Any, ...]) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    config = environment.email()
    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    assert tuple(config[f"EMAIL_{name}"] for name in names) == expected
    assert config["EMAIL_TIMEOUT"] == 10


def test_database_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://u:p@db.example.org:5433/accounts")
    config = environment.database()
    assert (config["ENGINE"], config["HOST"], config["PORT"], config["NAME"], config["USER"]) == (
        "config.postgresql",
        "db.example.org",
        5433,
        "accounts",
        "u",
    )


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("postgres://u:p@h1:5001,h2:5002/d", ("h1,h2", "5001,5002", "u", "p", "read-write", 2)),
        ("postgres://u:p@h1,h2:5002/d", ("h1,h2", ",5002", "u", "p", "read-write", 2)),
        ("postgres://u:p@h1,h2/d", ("h1,h2", "", "u", "p", "read-write", 2)),
        ("postgres://h1,h2/d?target_session_attrs=any", ("h1,h2", "", "", "", "any", 2)),
        ("postgres://u:p@[::1]:5001,[fe80::2]/d", ("::1,fe80::2", "5001,", "u", "p", "read-write", 2)),
        ("postgres://u:p,q@h1/d", ("h1", "", "u", "p,q", None, 3)),
        ("postgres:///d?host=/var/run/postgresql", ("", "", "", "", None, 3)),
        ("postgres:///d?host=h1,h2", ("", "", "", "", "read-write", 2)),
        ("postgres://u@/d?host=/var/run/postgresql&port=5433", ("", "", "u", "", None, 3)),
    ],
)
def test_hosts_of_the_database(monkeypatch: pytest.MonkeyPatch, url: str, parts: tuple[Any, ...]) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    config = environment.database()
    options = config["OPTIONS"]
    names = ("HOST", "PORT", "USER", "PASSWORD")
    chosen = (options.get("target_session_attrs"), options["connect_timeout"])
    assert (*(config[name] for name in names), *chosen) == parts
    assert config["NAME"] == "d"


def test_what_the_database_url_says_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    options = (
        "sslmode=verify-full&connect_timeout=3&prepare_threshold=0&options=-c%20work_mem%3D8MB&passfile=/a+b&sslkey="
    )
    pool = "pool_max_lifetime=600&pool_timeout=2"
    monkeypatch.setenv("DATABASE_URL", f"postgres://db.example.org/accounts?{options}&{pool}")
    config = environment.database()
    assert config["OPTIONS"] == {
        "server_side_binding": True,
        "sslmode": "verify-full",
        "connect_timeout": 3,
        "prepare_threshold": 0,
        "tcp_user_timeout": 10_000,
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "options": "-c work_mem=8MB",
        "passfile": "/a+b",
        "sslkey": "",
    }
    assert environment.database_pool() == {
        "min_size": 1,
        "max_size": 6,
        "max_idle": 60,
        "max_lifetime": 600,
        "timeout": 2,
        "max_waiting": 500,
        "reconnect_timeout": 1,
    }


@pytest.mark.parametrize(("value", "threshold"), [("", 5), ("on", 5), ("off", None)])
def test_prepared_statements(monkeypatch: pytest.MonkeyPatch, value: str, threshold: int | None) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://db.example.org/accounts")
    monkeypatch.setenv("DATABASE_PREPARED_STATEMENTS", value)
    config = environment.database()
    assert config["OPTIONS"]["prepare_threshold"] == threshold
    assert config["DISABLE_SERVER_SIDE_CURSORS"] is (threshold is None)


def test_secret_key_is_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment, "VAR_DIR", tmp_path)
    monkeypatch.setattr(environment, "SECRET_KEY_FILE", tmp_path / "secret_key")
    monkeypatch.delenv("SECRET_KEY")
    with pytest.raises(ImproperlyConfigured, match=r"^SECRET_KEY: not set"):
        environment.secret_key()
    environment.make_secret_key()
    made = environment.secret_key()
    environment.make_secret_key()
    assert environment.secret_key() == made
    assert len(made) == 86
    assert stat.S_IMODE(os.stat(tmp_path / "secret_key").st_mode) == 0o600
    monkeypatch.setenv("SECRET_KEY", "x" * 40)
    assert environment.secret_key() == "x" * 40


def test_sqlite_is_in_wal_mode(db: Any) -> None:
    from django.db import connection

    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            assert cursor.fetchone() == ("wal",)
    else:
        assert connection.vendor == "postgresql"


def test_cache_is_shared_by_processes(settings: Any) -> None:
    from django.core.cache import cache

    cache.set("asked", "answered")
    assert cache.get("asked") == "answered"
    backend = settings.CACHES["default"]["BACKEND"]
    expected = "redis.RedisCache" if os.environ["CACHE_URL"] else "filebased.FileBasedCache"
    assert backend == f"django.core.cache.backends.{expected}"
