"""Reads the environment variables of the contract (spec/README.md, Configuration).

Every reader raises ``ImproperlyConfigured`` with a message that begins with the variable's name, so that a bad value
stops the start and names the variable.
"""

import base64
import os
import re
import secrets
import string
from collections.abc import Callable
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
SECRET_KEY_FILE = VAR_DIR / "secret_key"
# Options with this prefix in the URL of a PostgreSQL are for the pool.
POOL_OPTION = "pool_"
# Options that must be numbers. libpq and psycopg would notice a wrong value only at the first request.
NUMBERS = {
    *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
    *("tcp_user_timeout", "prepare_threshold"),
    *("pool_min_size", "pool_timeout", "pool_max_waiting", "pool_max_lifetime", "pool_max_idle"),
    "pool_reconnect_timeout",
}

# A name, an address, or a domain with its subdomains, as a browser sends it in the header Host.
HOST_NAME = re.compile(r"\*|\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]", re.IGNORECASE)
# The characters that a username and a password in a URL may contain unquoted. A bracket would begin an IPv6 address.
UNQUOTED = string.punctuation.translate(str.maketrans("", "", "[]"))

env = environ.Env()

# Every variable that was read: its value, and whether the environment sets it. shown.py shows them to people.
READ: dict[str, tuple[str, bool]] = {}
# Variables that are never shown.
SECRET = {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "SENTRY_DSN"}


def refuse(name: str, reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name}: {reason}")


def text(name: str, default: str = "") -> str:
    """The value as it is written, without blanks around it. (django-environ would replace `$X` by the value of X.)"""
    raw = os.environ.get(name, "").strip()
    if not raw.isprintable():
        raise refuse(name, "it holds a line break or another character that cannot be seen")
    READ[name] = (raw or default, bool(raw))
    return raw or default


def token(name: str, *, least: int = 16) -> str:
    """A secret text that gives access; "" without one."""
    SECRET.add(name)
    raw = text(name)
    if 0 < len(raw) < least:
        raise refuse(name, f"at least {least} characters are expected")
    return raw


def in_base64(name: str, raw: str) -> bytes:
    """The bytes of `raw`, the value of this variable in Base64."""
    try:
        return base64.b64decode(raw, validate=True)
    except ValueError:
        raise refuse(name, "Base64 is expected") from None


def whole_number(name: str, default: int, *, least: int, most: int) -> int:
    raw = text(name, str(default))
    if not raw.isascii() or not raw.isdigit() or len(raw) > 9 or not least <= int(raw) <= most:
        raise refuse(name, f"a whole number from {least} to {most} is expected, not {raw!r}")
    return int(raw)


def choice(name: str, default: str, options: tuple[str, ...]) -> str:
    raw = text(name, default)
    if raw not in options:
        raise refuse(name, f"one of {', '.join(options)} is expected, not {raw!r}")
    return raw


def names(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def origin(name: str, default: str) -> str:
    """An http or https origin without path, query or trailing slash, such as ``https://id.example.org``."""
    return _origin(name, text(name, default).rstrip("/"))


def origins(name: str) -> list[str]:
    """Origins as browsers send them, separated by commas. There is no wildcard."""
    return [_origin(name, raw) for raw in names(name)]


def _origin(name: str, raw: str) -> str:
    try:
        parts = urlsplit(raw)
        port_is_readable = parts.port is None or parts.port > 0
    except ValueError:
        raise refuse(name, f"{raw!r} is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_readable or " " in raw:
        raise refuse(name, f"an http or https URL is expected, not {raw!r}")
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise refuse(name, f"an origin without path, query or user is expected, not {raw!r}")
    return f"{parts.scheme}://{parts.netloc}"


def hosts(name: str, default: str = "") -> list[str]:
    found = names(name, default)
    for host in found:
        if not HOST_NAME.fullmatch(host):
            raise refuse(name, f"names without scheme, port or quotes are expected, not {host!r}")
    return found


def sender(name: str, default: str) -> str:
    """The sender of mails, with or without a name: `Accounts <accounts@example.org>`."""
    raw = text(name, default)
    local, _at, domain = parseaddr(raw)[1].rpartition("@")
    if not local or not domain or set(domain) & set(" \"'<>,;"):
        raise refuse(name, f"an address such as accounts@example.org is expected, not {raw!r}")
    return raw


def service(name: str) -> str:
    """The URL of a service without query or trailing slash, such as ``https://api.example.org/range``; "" for none."""
    raw = text(name).rstrip("/")
    parts = _split(name, raw)
    if raw and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise refuse(name, f"an http or https URL without a query is expected, not {raw!r}")
    return raw


def link(name: str, default: str, placeholders: tuple[str, ...]) -> str:
    """A URL template that holds each of `placeholders` once, such as ``https://app.example.org/verify?key={key}``."""
    raw = text(name, default)
    try:
        raw.format(**dict.fromkeys(placeholders, ""))
    except (KeyError, IndexError, ValueError):
        raise refuse(name, f"only the placeholders {', '.join(placeholders)} may stand in {raw!r}") from None
    if _split(name, raw).scheme not in ("http", "https"):
        raise refuse(name, f"an http or https URL is expected, not {raw!r}")
    for placeholder in placeholders:
        if "{" + placeholder + "}" not in raw:
            raise refuse(name, f"the placeholder {{{placeholder}}} is missing in {raw!r}")
    return raw


def _split(name: str, raw: str) -> SplitResult:
    try:
        return urlsplit(raw)
    except ValueError:
        # The message does not repeat the value, because such URLs contain passwords.
        raise refuse(name, "this is not a URL") from None


def url(name: str, default: str = "") -> str:
    """A URL with a user and a password. Ambiguous characters in it are refused.

    Unambiguous special characters are quoted, so that every library reads the URL in the same way.
    """
    raw = text(name, default)
    scheme, separator, rest = raw.partition("://")
    if "#" in rest:
        raise refuse(name, "# is written %23 in a URL")
    if scheme == "sqlite":
        # A "+" in a path is no blank.
        return raw.replace("+", "%2B")
    end = min((rest.find(mark) for mark in "/?" if mark in rest), default=len(rest))
    authority, tail = rest[:end], rest[end:]
    if "@" in tail:
        raise refuse(
            name, "in a user name or password / is written %2F and ? is written %3F; elsewhere @ is written %40"
        )
    user, at, host = authority.rpartition("@")
    path, mark, query = tail.partition("?")
    return scheme + separator + quote(user, UNQUOTED) + at + host + path.replace("+", "%2B") + mark + query


def parsed(name: str, raw: str, parse: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """The parts of a URL in a variable, as django-environ returns them for Django."""
    try:
        return dict(parse(raw))
    except (ImproperlyConfigured, KeyError, ValueError):
        # The message does not repeat the value, because such URLs contain passwords.
        raise refuse(name, "this URL is not understood") from None


def secret_key() -> str:
    """SECRET_KEY from the environment, or else the one that ``make run`` keeps under var/."""
    key = text("SECRET_KEY")
    if not key and SECRET_KEY_FILE.exists():
        key = SECRET_KEY_FILE.read_text().strip()
    if not key:
        raise refuse("SECRET_KEY", "not set, and var/secret_key does not exist")
    if len(key) < 32:
        raise refuse("SECRET_KEY", "at least 32 characters are expected")
    READ["SECRET_KEY"] = (key, READ["SECRET_KEY"][1])
    return key


def former_secret_keys() -> list[str]:
    keys = names("SECRET_KEY_FALLBACKS")
    if any(len(key) < 32 for key in keys):
        raise refuse(
            "SECRET_KEY_FALLBACKS", "keys of at least 32 characters are expected, with a comma only between them"
        )
    return keys


def make_secret_key() -> None:
    """Makes var/secret_key, readable only by its owner, unless it exists. Of two starts at once, one makes it."""

    def private(path: str, flags: int) -> int:
        return os.open(path, flags, 0o600)

    VAR_DIR.mkdir(exist_ok=True)
    try:
        with open(SECRET_KEY_FILE, "x", opener=private) as file:
            file.write(secrets.token_urlsafe(64))
    except FileExistsError:
        return


def database() -> dict[str, Any]:
    raw = url("DATABASE_URL", f"sqlite:///{quote(str(VAR_DIR / 'db.sqlite3'))}")
    parts = _split("DATABASE_URL", raw)
    if parts.scheme in ("postgres", "postgresql"):
        return _postgresql(parts)
    if parts.scheme != "sqlite":
        raise refuse("DATABASE_URL", "sqlite:///path or postgres://user:password@host:port/name is expected")
    if parts.netloc or parts.query or not parts.path.strip("/"):
        raise refuse("DATABASE_URL", "sqlite:///path is expected, with three slashes; ? in a path is written %3F")
    config = parsed("DATABASE_URL", raw, env.db_url_config)
    # WAL lets readers go on beside the one writer. IMMEDIATE takes the write lock at BEGIN, so that a transaction waits
    # for its turn and does not fail at its first write.
    config["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    config["CONN_MAX_AGE"] = 600
    return config


def _postgresql(parts: SplitResult) -> dict[str, Any]:
    own = {name: value for name, value in _options(parts).items() if not name.startswith(POOL_OPTION)}
    name = unquote(parts.path[1:])
    if not name and "service" not in own:
        raise refuse("DATABASE_URL", "the name of the database is missing at the end of the URL")
    host, port = _hosts(parts.netloc.rpartition("@")[2])
    if "%" in host or "/" in name:
        raise refuse("DATABASE_URL", "a socket's folder is written ?host=/folder behind the database's name")
    count = len((host or own.get("host", "")).split(","))
    prepares = choice("DATABASE_PREPARED_STATEMENTS", "on", ("on", "off")) == "on"
    return {
        "ENGINE": "config.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": port,
        "OPTIONS": {
            "server_side_binding": True,
            # The server prepares statements that were used a few times: planning the query of every authenticated
            # request takes longer than running it.
            "prepare_threshold": 5 if prepares else None,
            # Seconds for each host. psycopg uses 2 in place of 1.
            "connect_timeout": max(2, database_seconds() // count),
            # Of several hosts, the one that accepts writes.
            **({"target_session_attrs": "read-write"} if count > 1 else {}),
            # A connection whose other end is gone is noticed after ten seconds if something was sent, otherwise after
            # 45. Linux's default is more than two hours.
            "tcp_user_timeout": 10_000,
            "keepalives_idle": 30,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            # Options in the URL replace these.
            **own,
        },
        # A server-side cursor lives longer than its transaction.
        "DISABLE_SERVER_SIDE_CURSORS": not prepares,
        # A connection goes back to the pool at the end of each request.
        "CONN_MAX_AGE": 0,
    }


def _hosts(written: str) -> tuple[str, str | int]:
    """Hosts and ports in libpq's form: `h1:5001,h2` gives `h1,h2` and `5001,`."""
    try:
        hosts = [urlsplit(f"//{host}") for host in written.split(",")]
        ports = [host.port or "" for host in hosts]
    except ValueError:
        # The message does not repeat the value, because it may be a part of a password.
        raise refuse("DATABASE_URL", "this URL is not understood") from None
    port = ",".join(map(str, ports)) if len(ports) > 1 and any(ports) else ports[0]
    return ",".join(host.hostname or "" for host in hosts), port


def _options(parts: SplitResult) -> dict[str, Any]:
    """The options after the ? in the URL of a PostgreSQL: for libpq, psycopg, and psycopg's pool."""
    from psycopg.pq import Conninfo

    options: dict[str, Any] = dict(parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True))
    known = {option.keyword.decode() for option in Conninfo.get_defaults()} | NUMBERS | {"assume_role"}
    for name, value in options.items():
        if name not in known:
            raise refuse("DATABASE_URL", f"there is no option {name}")
        if name in NUMBERS:
            if not value.isascii() or not value.isdigit():
                raise refuse("DATABASE_URL", f"a whole number is expected for {name}, not {value!r}")
            options[name] = int(value)
    return options


def database_seconds() -> int:
    return whole_number("DATABASE_SECONDS", 3, least=1, most=60)


def database_pool() -> dict[str, Any]:
    """The options of psycopg_pool for the pool of connections that the requests of a worker share."""
    parts = _split("DATABASE_URL", url("DATABASE_URL"))
    options = _options(parts) if parts.scheme in ("postgres", "postgresql") else {}
    size = whole_number("DATABASE_POOL_SIZE", 6, least=1, most=1000)
    if options.get("pool_min_size", 1) > size:
        raise refuse("DATABASE_URL", "pool_min_size is more than DATABASE_POOL_SIZE")
    return {
        "min_size": 1,
        "max_size": size,
        # Seconds after which an unused connection beyond the minimum is closed.
        "max_idle": 60,
        # A request that would wait longer, or behind more requests, is refused with 503.
        "timeout": database_seconds(),
        "max_waiting": 500,
        # While the server is away, the pool tries to connect about every second. In a longer attempt the pauses would
        # grow.
        "reconnect_timeout": 1,
        **{name.removeprefix(POOL_OPTION): value for name, value in options.items() if name.startswith(POOL_OPTION)},
    }


def cache() -> dict[str, Any]:
    raw = url("CACHE_URL")
    if not raw:
        return {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(VAR_DIR / "cache")}
    try:
        parts = _split("CACHE_URL", raw)
        is_complete = bool(parts.hostname) and (parts.port or 1) > 0 and (parts.path.strip("/") or "0").isdigit()
    except ValueError:
        is_complete = False
    if parts.scheme not in ("redis", "rediss") or not is_complete:
        raise refuse("CACHE_URL", "redis://host:port/number is expected")
    return parsed("CACHE_URL", raw, env.cache_url_config)


def email() -> dict[str, Any]:
    """Django's EMAIL_* settings; empty EMAIL_URL means files under var/mail/, announced on the console."""
    raw = url("EMAIL_URL")
    if not raw:
        return {"EMAIL_BACKEND": "accounts.ops.mail_files.EmailBackend", "EMAIL_FILE_PATH": str(VAR_DIR / "mail")}
    config = parsed("EMAIL_URL", raw, env.email_url_config)
    parts = urlsplit(raw)
    scheme = parts.scheme
    is_complete = config.get("EMAIL_HOST") and not parts.path.strip("/") and not parts.query
    if scheme not in ("smtp", "smtps", "smtp+tls") or not is_complete:
        raise refuse("EMAIL_URL", "smtp://, smtps:// or smtp+tls://user:password@host:port is expected")
    # smtps is TLS from the first byte (RFC 8314), smtp+tls is STARTTLS. django-environ reads both as STARTTLS.
    config["EMAIL_USE_SSL"] = scheme == "smtps"
    config["EMAIL_USE_TLS"] = scheme == "smtp+tls"
    config["EMAIL_PORT"] = config["EMAIL_PORT"] or {"smtp": 25, "smtps": 465, "smtp+tls": 587}[scheme]
    config["EMAIL_TIMEOUT"] = 10
    config.pop("EMAIL_FILE_PATH", None)
    config.pop("OPTIONS", None)
    return {name: "" if value is None else value for name, value in config.items()}
