"""The text of a variable is taken literally, or stops the start with a message that names the variable."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.exceptions import ImproperlyConfigured
from redis import ConnectionPool

from config import environment

KEY = "0123456789-0123456789-0123456789"
# The text in a URL, and its meaning.
PASSWORDS = [
    ("secret", "secret"),
    ("$ecret", "$ecret"),
    ("$PATH", "$PATH"),
    ("${HOME}", "${HOME}"),
    ('"quoted"', '"quoted"'),
    ("'quoted'", "'quoted'"),
    ("two words", "two words"),
    ("p@ss", "p@ss"),
    ("pa:ss", "pa:ss"),
    ("p+s", "p+s"),
    ("p&s=1;", "p&s=1;"),
    ("p[s", "p[s"),
    ("p[s]", "p[s]"),
    ("[::1]", "[::1]"),
    ("p\\s", "p\\s"),
    ("100%", "100%"),
    ("%zz", "%zz"),
    ("p%40s", "p@s"),
    ("p%2Fs%3F%23", "p/s?#"),
    ("p%25s", "p%s"),
    ("пароль", "пароль"),
    ("p\u2100s", "p\u2100s"),
    ("123", "123"),
    ("None", "None"),
]
AMBIGUOUS = ["p/s", "p#s", "1#s", "1/s", "p?s", "1?s", "#", "/", "?"]


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    return monkeypatch.setenv


@pytest.mark.parametrize(
    "key", ["$" + KEY, "${HOME}" + KEY, f'"{KEY}"', f"'{KEY}'", KEY + "#x", KEY + " $", "%41" + KEY]
)
def test_secret_key(put: Any, key: str) -> None:
    put("SECRET_KEY", key)
    assert environment.secret_key() == key
    put("SECRET_KEY_FALLBACKS", f"{key},{KEY}")
    assert environment.former_secret_keys() == [key, KEY]


def test_a_comma_in_a_former_key(put: Any) -> None:
    put("SECRET_KEY_FALLBACKS", KEY + ",x")
    with pytest.raises(ImproperlyConfigured, match=r"^SECRET_KEY_FALLBACKS: "):
        environment.former_secret_keys()


@pytest.mark.parametrize("value", ["a\nb", "a\tb", "a\u200bb", "a\u00a0b", "\udcff"])
def test_what_cannot_be_seen(put: Any, value: str) -> None:
    put("AUDIENCE", value)
    with pytest.raises(ImproperlyConfigured, match=r"^AUDIENCE: "):
        environment.text("AUDIENCE")


@pytest.mark.parametrize(
    ("value", "meant"), [("$X", "$X"), ("$", "$"), (r"\$X", r"\$X"), ("  x  ", "x"), (" ", "d"), ("", "d")]
)
def test_text(put: Any, value: str, meant: str) -> None:
    put("X", "another")
    put("AUDIENCE", value)
    assert environment.text("AUDIENCE", "d") == meant


@pytest.mark.parametrize(("written", "meant"), PASSWORDS)
def test_passwords_in_urls(put: Any, written: str, meant: str) -> None:
    put("DATABASE_URL", f"postgres://{written}:{written}@db.example.org:5433/accounts")
    database = environment.database()
    user = meant if ":" not in written else meant.partition(":")[0]
    assert (database["USER"], database["HOST"], database["PORT"]) == (user, "db.example.org", 5433)
    put("DATABASE_URL", f"postgres://u:{written}@db.example.org/accounts")
    assert environment.database()["PASSWORD"] == meant
    put("EMAIL_URL", f"smtp://u:{written}@mail.example.org")
    assert environment.email()["EMAIL_HOST_PASSWORD"] == meant
    put("CACHE_URL", f"redis://u:{written}@cache.example.org/3")
    for url in (environment.cache()["LOCATION"], environment.url("CACHE_URL")):
        arguments = ConnectionPool.from_url(url).connection_kwargs
        assert (arguments["password"], arguments["host"], arguments["db"]) == (meant, "cache.example.org", 3)


@pytest.mark.parametrize("password", AMBIGUOUS)
@pytest.mark.parametrize(
    ("name", "read", "start", "end"),
    [
        ("DATABASE_URL", environment.database, "postgres://u:", "@db.example.org/accounts"),
        ("EMAIL_URL", environment.email, "smtp://u:", "@mail.example.org"),
        ("CACHE_URL", environment.cache, "redis://:", "@cache.example.org/0"),
    ],
)
def test_passwords_that_end_a_url(put: Any, name: str, read: Any, start: str, end: str, password: str) -> None:
    put(name, start + password + end)
    with pytest.raises(ImproperlyConfigured, match=f"^{name}: .*%") as refused:
        read()
    assert start + password not in str(refused.value)
    put(name, start + quote(password, "") + end)
    read()


@pytest.mark.parametrize(
    ("name", "read", "value"),
    [
        ("DATABASE_URL", environment.database, "sqlite://db.sqlite3"),
        ("DATABASE_URL", environment.database, "sqlite://"),
        ("DATABASE_URL", environment.database, "sqlite:///"),
        ("DATABASE_URL", environment.database, "sqlite:///a?b"),
        ("DATABASE_URL", environment.database, "sqlite:///a#b"),
        ("DATABASE_URL", environment.database, '"sqlite:///db.sqlite3"'),
        ("DATABASE_URL", environment.database, "postgres://u:p@db.example.org"),
        ("DATABASE_URL", environment.database, "postgres://u:p@db.example.org/"),
        ("DATABASE_URL", environment.database, "postgres://u:p@db.example.org:x/accounts"),
        ("DATABASE_URL", environment.database, "postgres://u:p@%2Fvar%2Frun/accounts"),
        ("CACHE_URL", environment.cache, "redis://cache.example.org:x/0"),
        ("CACHE_URL", environment.cache, "redis://cache.example.org/accounts"),
        ("CACHE_URL", environment.cache, "redis://"),
        ("CACHE_URL", environment.cache, "redis://[::1"),
        ("EMAIL_URL", environment.email, "smtp://[::1"),
        ("EMAIL_URL", environment.email, "smtp://mail.example.org/x"),
        ("EMAIL_URL", environment.email, "smtp://mail.example.org?ssl=yes"),
        ("EMAIL_URL", environment.email, "'smtp://mail.example.org'"),
        ("PUBLIC_URL", lambda: environment.origin("PUBLIC_URL", ""), "https://id .example.org"),
        ("PUBLIC_URL", lambda: environment.origin("PUBLIC_URL", ""), "https://@id.example.org"),
        ("PUBLIC_URL", lambda: environment.origin("PUBLIC_URL", ""), '"https://id.example.org"'),
        ("PWNED_PASSWORDS_URL", lambda: environment.service("PWNED_PASSWORDS_URL"), "https://[x"),
        ("VERIFY_EMAIL_URL", lambda: environment.link("VERIFY_EMAIL_URL", "", ("key",)), "https://[x/{key}"),
        ("SESSION_DAYS", lambda: environment.whole_number("SESSION_DAYS", 1, least=1, most=9), "9" * 5000),
        *[
            ("ALLOWED_HOSTS", lambda: environment.hosts("ALLOWED_HOSTS"), value)
            for value in (
                "https://id.example.org",
                "id.example.org:443",
                '"id.example.org"',
                "id.example.org/",
                "a b",
                "ä.de",
            )
        ],
        *[
            ("DEFAULT_FROM_EMAIL", lambda: environment.sender("DEFAULT_FROM_EMAIL", ""), value)
            for value in ("accounts", "accounts@", "'a@example.org'", '"Accounts <a@example.org>"', "@example.org")
        ],
    ],
)
def test_ambiguous_values_are_refused(put: Any, name: str, read: Any, value: str) -> None:
    put(name, value)
    with pytest.raises(ImproperlyConfigured, match=f"^{name}: "):
        read()


@pytest.mark.parametrize("written", ["a+b/c@d $e.sqlite3", "a%2Bb%2Fc%40d%20%24e.sqlite3"])
def test_path_of_sqlite(put: Any, written: str) -> None:
    put("DATABASE_URL", f"sqlite:////srv/{written}")
    assert environment.database()["NAME"] == "/srv/a+b/c@d $e.sqlite3"


def test_any_folder_may_hold_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setattr(environment, "VAR_DIR", Path("/srv/c#+100%20 ?/var"))
    assert environment.database()["NAME"] == "/srv/c#+100%20 ?/var/db.sqlite3"


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("HTTPS://id.example.org/", "https://id.example.org"),
        ("https://id.example.org:8443", "https://id.example.org:8443"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_public_url(put: Any, value: str, meant: str) -> None:
    put("PUBLIC_URL", value)
    assert environment.origin("PUBLIC_URL", "") == meant


def test_hosts_and_senders(put: Any) -> None:
    put("ALLOWED_HOSTS", "id.example.org, .example.org,[::1],127.0.0.1,*,accounts_web")
    assert environment.hosts("ALLOWED_HOSTS") == [
        *("id.example.org", ".example.org", "[::1]", "127.0.0.1", "*", "accounts_web")
    ]
    for address in (
        "accounts@localhost",
        "Konto <konto@example.org>",
        '"Konten, Ü" <konto@example.org>',
        "o'b@example.org",
    ):
        put("DEFAULT_FROM_EMAIL", address)
        assert environment.sender("DEFAULT_FROM_EMAIL", "") == address
