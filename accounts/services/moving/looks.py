"""Which usernames look like others, for the report of an import. The names are kept on disk, so memory stays small."""

import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from accounts.models import User
from accounts.services import names
from accounts.services.moving.checking import Account
from accounts.services.moving.records import Refusal

# How many users are read at once.
PAGE = 10_000
# A row: the look, the username in its canonical form, and where it is.
Row = tuple[str, str, str]


class Looks:
    """The looks of the usernames that exist, and of those that this run has moved in or checked."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._is_filled = False
        database.execute("CREATE TABLE looks (look TEXT PRIMARY KEY, key TEXT, place TEXT) WITHOUT ROWID")

    def find(self, accounts: Sequence[Account]) -> list[Refusal]:
        """The accounts whose username looks like another one, each with that name. Called before they are written."""
        if accounts and not self._is_filled:
            self._is_filled = True
            for page in _usernames():
                self._add([(names.look(username), key, "another account") for username, key in page])
        alike = []
        for account in accounts:
            look = names.look(account.username)
            # The first name with a look stays.
            self._add([(look, account.username_key, account.record.where)])
            key, where = self._database.execute("SELECT key, place FROM looks WHERE look = ?", (look,)).fetchone()
            if key != account.username_key:
                alike.append(
                    Refusal(account.record.where, f"the username {account.username} looks like {key} ({where})")
                )
        return alike

    def _add(self, rows: Sequence[Row]) -> None:
        self._database.executemany("INSERT OR IGNORE INTO looks VALUES (?, ?, ?)", rows)


@contextmanager
def remembering_looks() -> Iterator[Looks]:
    # An empty name makes a temporary file, which SQLite deletes when it is closed.
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        # Without a transaction, every insert would end in one of its own.
        database.execute("BEGIN")
        yield Looks(database)


def _usernames() -> Iterator[list[tuple[str, str]]]:
    """Username and canonical form of all users, PAGE at a time."""
    last = uuid.UUID(int=0)
    while page := list(
        User.objects.filter(pk__gt=last).order_by("pk").values_list("username", "username_key", "pk")[:PAGE]
    ):
        yield [(username, key) for username, key, _pk in page]
        last = page[-1][2]
