"""How the requests of a web worker use PostgreSQL: with a pool, and for at most DATABASE_SECONDS."""

import time
from contextlib import suppress
from typing import Any

import psycopg
from django.conf import settings
from gevent.socket import wait_read, wait_readwrite, wait_write
from psycopg.abc import RV, PQGen
from psycopg.waiting import Ready, Wait
from psycopg_pool import ConnectionPool

# The server itself should report a slow statement before this.
SLACK = 0.5

# gevent's function for what psycopg waits for, and what it is told after that.
WAITS = {
    Wait.R: (wait_read, Ready.R),
    Wait.W: (wait_write, Ready.W),
    Wait.RW: (wait_readwrite, Ready.RW),
}


class Connection(psycopg.Connection[Any]):
    """Gives up a server that does not answer, because it is paused or the network is broken."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Runs a generator of psycopg, and lets other requests have their turn while it waits for the server.

        Raises OperationalError if that takes longer than DATABASE_SECONDS and SLACK. psycopg's own function waits with
        select.poll, of which gevent makes a new one each time.
        """
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        patience = settings.DATABASE_SECONDS + SLACK
        end = time.monotonic() + patience
        socket = self.pgconn.socket
        try:
            wanted = next(gen)
            while True:
                wait, ready = WAITS[wanted]
                wait(socket, max(end - time.monotonic(), 0))
                wanted = gen.send(ready)
        except StopIteration as stop:
            result: RV = stop.value
            return result
        except TimeoutError as error:
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
