"""How the requests of a web worker use PostgreSQL: by a pool, and with no patience beyond DATABASE_SECONDS."""

from contextlib import suppress
from typing import Any

import psycopg
from django.conf import settings
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

# The server is to say itself that a statement took too long.
SLACK = 0.5


class Connection(psycopg.Connection[Any]):
    """Gives up a server that says nothing: one that is paused, or behind a network that is broken."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        patience = settings.DATABASE_SECONDS + SLACK if timeout is None else timeout
        try:
            return super().wait(gen, interval, patience)
        except psycopg.OperationalError as error:
            if self.info.transaction_status != TransactionStatus.ACTIVE:
                raise
            # Whatever it says later is no answer to what is asked next.
            self.close()
            raise psycopg.OperationalError(f"the server did not answer within {patience} seconds") from error


def try_again(pool: ConnectionPool[Any]) -> None:
    """Has a pool go on that could not connect: by itself it would wait for the next request that finds it empty."""
    with suppress(psycopg.OperationalError):
        pool.putconn(pool.getconn(timeout=0.01))


def serve_requests(database: dict[str, Any], pool: dict[str, Any]) -> None:
    """Makes the settings of a database those of a web worker. A command has one connection, and takes its time."""
    options = database["OPTIONS"]
    options["pool"] = {"connection_class": Connection, "reconnect_failed": try_again, **pool}
    # A pooler such as PgBouncer refuses a connection with options, and would not keep them for one client.
    if not database["DISABLE_SERVER_SIDE_CURSORS"]:
        milliseconds = settings.DATABASE_SECONDS * 1000
        limits = {
            "statement_timeout": milliseconds,
            # Sooner, so that the log tells a lock from a slow statement.
            "lock_timeout": milliseconds // 2,
            # A worker whose host is gone is to keep no row locked.
            "idle_in_transaction_session_timeout": 30_000,
        }
        options.setdefault("options", " ".join(f"-c {name}={value}" for name, value in limits.items()))
