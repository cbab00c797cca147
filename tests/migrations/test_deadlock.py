"""A migration that waits for a request which waits for the migration."""

import psycopg
import pytest

from tests.clusters import wait_until
from tests.processes import finish, manage
from tests.servers import ON_POSTGRES

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has one writer at a time"),
]
WAITING = "SELECT count(*) FROM pg_locks WHERE relation = 'accounts_user'::regclass AND NOT granted"
AGAIN = "A request and a migration waited for each other. The migration begins again."


def migrate(database: str, target: str) -> tuple[int, str]:
    with manage("migrate", "accounts", target, "--verbosity", "0", DATABASE_URL=database) as command:
        code, said = finish(command, seconds=120)
        return code, said.strip()


def test_it_begins_again(empty_database: str) -> None:
    assert migrate(empty_database, "0004") == (0, "")
    with psycopg.connect(empty_database) as request, psycopg.connect(empty_database, autocommit=True) as watch:
        # So PostgreSQL ends the migration, and not this transaction.
        request.execute("SET LOCAL deadlock_timeout = '1min'")
        request.execute("LOCK TABLE accounts_user IN ROW EXCLUSIVE MODE")
        arguments = ("migrate", "accounts", "0005", "--verbosity", "0")
        with manage(*arguments, DATABASE_URL=empty_database) as command:
            wait_until(lambda: watch.execute(WAITING).fetchone() == (1,), seconds=60)
            request.execute("LOCK TABLE accounts_message IN ROW EXCLUSIVE MODE")
            request.commit()
            code, said = finish(command, seconds=120)
    assert (code, said.strip()) == (0, AGAIN)
    assert migrate(empty_database, "0005") == (0, "")
