"""The database of another application (PostgreSQL or SQLite). It is read and never written."""

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.rows import dict_row

from accounts.services.moving.texts import Found

# How many rows are read at a time. SQLite takes at most 999 parameters.
CHUNK = 500
# SQLAlchemy writes the driver after a plus.
_URL = re.compile(r"(postgres|postgresql|sqlite)(?:\+\w+)?(://.*)")

Row = dict[str, Any]


class UnreachableError(Exception):
    """A database cannot be read; the text says why."""


class Database:
    """One snapshot of a database."""

    def __init__(self, connection: Any, *, is_postgres: bool) -> None:
        self._connection = connection
        self._is_postgres = is_postgres

    def has(self, table: str) -> bool:
        schema, _dot, name = table.rpartition(".")
        if self._is_postgres:
            asked = "SELECT to_regclass(%s) AS found"
            return self._connection.execute(asked, (_quoted(table),)).fetchone()["found"] is not None
        asked = "SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?"
        return not schema and self._connection.execute(asked, (name,)).fetchone() is not None

    def chunks(self, table: str) -> Iterator[list[Row]]:
        """The rows of a table, CHUNK after CHUNK. Raises UnreachableError."""
        with _telling():
            if not self.has(table):
                raise UnreachableError(f"there is no table {table}")
            cursor = self._connection.cursor(name="moved") if self._is_postgres else self._connection.cursor()
            with closing(cursor):
                cursor.execute(f"SELECT * FROM {_quoted(table)}")  # noqa: S608
                while rows := cursor.fetchmany(CHUNK):
                    yield [dict(row) for row in rows]

    def of(self, table: str, column: str, values: Sequence[Any]) -> dict[Any, list[Row]]:
        """The rows whose `column` has one of these values, by the value; none if the table does not exist."""
        found: dict[Any, list[Row]] = defaultdict(list)
        with _telling():
            if not values or not self.has(table):
                return found
            among = "= ANY(%s)" if self._is_postgres else f"IN ({', '.join('?' * len(values))})"
            statement = f"SELECT * FROM {_quoted(table)} WHERE {_quoted(column)} {among}"  # noqa: S608
            for row in self._connection.execute(statement, (list(values),) if self._is_postgres else tuple(values)):
                found[row[column]].append(dict(row))
        return found


def is_url(text: str) -> bool:
    return _URL.fullmatch(text) is not None


@contextmanager
def reading(url: str) -> Iterator[Database]:
    """Raises UnreachableError. sqlite:///users.db is a relative path, sqlite:////srv/users.db an absolute one."""
    url = _URL.sub(r"\1\2", url)
    if url.startswith("sqlite://"):
        path = url.removeprefix("sqlite://").removeprefix("/")
        if not Path(path).is_file():
            raise UnreachableError(f"there is no file {path}")
        with _telling(), closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            yield Database(connection, is_postgres=False)
        return
    with _telling(), psycopg.connect(url, row_factory=dict_row) as postgres:
        postgres.read_only = True
        postgres.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield Database(postgres, is_postgres=True)


def django(database: Database, table: str) -> Iterator[Found]:
    """Users, with their addresses and accounts in allauth's tables."""
    for rows in database.chunks(table):
        key = _key_of(rows[0])
        ids = [row[key] for row in rows]
        addresses = database.of("account_emailaddress", "user_id", ids)
        accounts = database.of("socialaccount_socialaccount", "user_id", ids)
        for row in rows:
            row |= {"id": row[key], "allauth_addresses": addresses[row[key]], "allauth_accounts": accounts[row[key]]}
            yield f"{table} {row[key]}", row


def fastapi_users(database: Database, table: str) -> Iterator[Found]:
    for rows in database.chunks(table):
        accounts = database.of("oauth_account", "user_id", [row["id"] for row in rows])
        for row in rows:
            yield f"{table} {row['id']}", row | {"oauth_accounts": accounts[row["id"]]}


def supabase(database: Database, table: str) -> Iterator[Found]:
    for rows in database.chunks(table):
        identities = database.of("auth.identities", "user_id", [row["id"] for row in rows])
        for row in rows:
            yield f"{table} {row['id']}", row | {"identities": identities[row["id"]]}


def _key_of(row: Row) -> str:
    return next((name for name in ("id", "uuid", "uid") if name in row), next(iter(row)))


def _quoted(name: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except (psycopg.Error, sqlite3.Error) as error:
        raise UnreachableError(str(error).partition("\n")[0]) from None
