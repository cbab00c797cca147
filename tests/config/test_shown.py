"""The settings as the admin shows them: no secret in any spelling."""

import pytest

from config import environment
from config.shown import shown, variables
from tests.contract.test_repository import READ


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("SECRET_KEY", "x" * 40, "•••"),
        ("SECRET_KEY_FALLBACKS", "", ""),
        ("METRICS_TOKEN", "x" * 16, "•••"),
        ("SENTRY_DSN", "https://key@sentry.example.org/1", "•••"),
        ("DATABASE_URL", "postgres://user:p%40ss@db:5432/name", "postgres://user:•••@db:5432/name"),
        ("DATABASE_URL", "postgres://user:a:b@h1:1,h2/n", "postgres://user:•••@h1:1,h2/n"),
        ("DATABASE_URL", "postgres://user@db/name", "postgres://user@db/name"),
        (
            "DATABASE_URL",
            "postgres://db/name?sslmode=require&password=geheim&sslpassword=geheim",
            "postgres://db/name?sslmode=require&password=•••&sslpassword=•••",
        ),
        ("DATABASE_URL", "postgres://user:geheim@?host=/run", "postgres://user:•••@?host=/run"),
        ("CACHE_URL", "redis://:geheim@redis:6379/0", "redis://:•••@redis:6379/0"),
        ("EMAIL_URL", "smtp+tls://me@example.org:geheim@mail:587", "smtp+tls://me@example.org:•••@mail:587"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://geheim@otel.example.org", "https://•••@otel.example.org"),
        ("VERIFY_EMAIL_URL", "https://app/verify?key={key}", "https://app/verify?key={key}"),
        ("PASSWORD_RESET_URL", "https://a/r?uid={uid}&token={token}", "https://a/r?uid={uid}&token={token}"),
        ("PORT", "8000", "8000"),
    ],
)
def test_what_is_seen(name: str, value: str, seen: str) -> None:
    environment.SECRET.add("METRICS_TOKEN")
    assert shown(name, value) == seen
    assert "geheim" not in shown(name, value)


def test_every_variable_is_listed() -> None:
    listed = {name: (value, is_set) for name, value, is_set in variables()}
    # With SQLite this variable is not needed, so it is not read.
    assert READ - {"DATABASE_PREPARED_STATEMENTS"} <= set(listed) <= READ
    assert listed["SECRET_KEY"] == ("•••", True)
    assert listed["ACCESS_TOKEN_MINUTES"] == ("5", False)


def test_a_token_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "geheim-geheim-geheim")
    environment.token("SOME_TOKEN")
    assert shown("SOME_TOKEN", "geheim-geheim-geheim") == "•••"
    environment.READ.pop("SOME_TOKEN")
    environment.SECRET.discard("SOME_TOKEN")
