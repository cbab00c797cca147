"""How the requests of a web worker use PostgreSQL: with a pool, and for at most DATABASE_SECONDS."""

from contextlib import suppress
from typing import Any

import psycopg
from django.conf import settings
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

# The server itself should report a slow statement before this.
SLACK = 0.5


class Connection(psycopg.Connection[Any]):
    """Gives up a server that does not answer, because it is paused or the network is broken."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        patience = settings.DATABASE_SECONDS + SLACK if timeout is None else timeout
        try:
            return super().wait(gen, interval, patience)
        except psycopg.OperationalError as error:
            if self.info.transaction_status != TransactionStatus.ACTIVE:
                raise
            # A late answer must not be taken for the answer to the next statement.
            self.close()
            raise psycopg.OperationalError(f"the server did not answer within {patience} seconds") from error


def try_again(pool: ConnectionPool[Any]) -> None:
    """Restarts a pool that could not connect. By itself it would wait until a request finds it empty."""
    with suppress(psycopg.OperationalError):
        pool.putconn(pool.getconn(timeout=0.01))


def serve_requests(database: dict[str, Any], pool: dict[str, Any]) -> None:
    """Changes the settings of a database for a web worker. A command has one connection, without time limits."""
    options = database["OPTIONS"]
    options["pool"] = {"connection_class": Connection, "reconnect_failed": try_again, **pool}
    # A pooler such as PgBouncer refuses a connection with options, and would not keep them for a client.
    if not database["DISABLE_SERVER_SIDE_CURSORS"]:
        milliseconds = settings.DATABASE_SECONDS * 1000
        limits = {
            "statement_timeout": milliseconds,
            # A shorter time, so that the log distinguishes a lock from a slow statement.
            "lock_timeout": milliseconds // 2,
            # A worker whose host is gone must not keep rows locked.
            "idle_in_transaction_session_timeout": 30_000,
        }
        options.setdefault("options", " ".join(f"-c {name}={value}" for name, value in limits.items()))
