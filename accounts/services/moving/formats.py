"""The known formats, and the accounts of a file or a database in one of them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from accounts.services.moving import databases, documents, own, tables, texts
from accounts.services.moving.databases import Database
from accounts.services.moving.providers import Names
from accounts.services.moving.records import Record, Refusal, Values
from accounts.services.moving.sealing import PrivateKey
from accounts.services.moving.texts import Found, Source

Accounts = Iterator[Record | Refusal]


@dataclass(frozen=True, kw_only=True)
class Options:
    """factors_key: decrypts the second factors of our own format. names: of providers. table: if not the usual one."""

    factors_key: PrivateKey | None = None
    names: Names = field(default_factory=Names)
    table: str = ""


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """How to read the accounts of a format. member: the list of a document that contains them.

    rows: reads them from the application's own database. table: its usual name there.
    """

    read: Callable[[str, Values, Names], Record | None]
    member: str = ""
    rows: Callable[[Database, str], Iterator[Found]] | None = None
    table: str = ""


FOREIGN = {
    "django": Foreign(read=tables.django, rows=databases.django, table="auth_user"),
    "fastapi-users": Foreign(read=tables.fastapi_users, rows=databases.fastapi_users, table="user"),
    "supabase": Foreign(read=tables.supabase, rows=databases.supabase, table="auth.users"),
    "auth0": Foreign(read=documents.auth0),
    "firebase": Foreign(read=documents.firebase, member="users"),
    "keycloak": Foreign(read=documents.keycloak, member="users"),
    "kratos": Foreign(read=documents.kratos),
    "clerk": Foreign(read=documents.clerk),
    "cognito": Foreign(read=documents.cognito, member="Users"),
}
FORMATS = ("jsonl", "csv", *FOREIGN)
IN_DATABASES = tuple(name for name, foreign in FOREIGN.items() if foreign.rows)


def read_file(source: Source, format: str, options: Options) -> Accounts:
    """The accounts of a file, one after the other."""
    if source.is_other_encoding:
        return iter([Refusal("line 1", "not UTF-8: UTF-16 is not read")])
    if format == "jsonl":
        return own.from_lines(texts.json_lines(source), key=options.factors_key)
    if format == "csv":
        return own.from_csv(texts.table(source))
    return _read(_found(source, FOREIGN[format].member), format, options)


def read_database(database: Database, format: str, options: Options) -> Accounts:
    """The accounts of an application's own database. The iteration raises UnreachableError."""
    foreign = FOREIGN[format]
    if foreign.rows is None:
        raise ValueError(f"{format} is no format of databases")
    return _read(foreign.rows(database, options.table or foreign.table), format, options)


def _found(source: Source, member: str) -> Iterator[Found]:
    """Recognises a document with a list, a list, JSON Lines or CSV by the beginning of the file."""
    if source.first == b"[" or (member and source.first == b"{"):
        return texts.json_objects(source, member)
    return texts.json_lines(source) if source.first in (b"{", b"") else texts.table(source)


def _read(found: Iterable[Found], format: str, options: Options) -> Accounts:
    read = FOREIGN[format].read
    return texts.each_record(found, lambda where, values: read(where, values, options.names))
