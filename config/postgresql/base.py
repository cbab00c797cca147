from typing import Any, Self

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from psycopg.errors import FeatureNotSupported
from psycopg.pq import Format, TransactionStatus

from accounts.core import metrics


class Cursor(base.CursorMixin, psycopg.Cursor[Any]):
    """Runs a statement again whose prepared plan is stale.

    When a column changes its type, PostgreSQL refuses earlier plans. A kept connection would fail at every request.
    """

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        try:
            return super().execute(query, params, **options)
        except FeatureNotSupported as error:
            # The message is translated; the name of PostgreSQL's function is not.
            is_stale = error.diag.source_function == "RevalidateCachedQuery"
            # In a transaction, nothing can run after an error.
            if not is_stale or self.connection.info.transaction_status != TransactionStatus.IDLE:
                raise
        # Other plans may be stale too. psycopg notices that they are gone.
        self.connection.execute("DEALLOCATE ALL")
        return super().execute(query, params, **options)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's PostgreSQL. The pool drops a connection that had an error."""

    _failed: Any = None

    def get_connection_params(self) -> dict[str, Any]:
        return {**super().get_connection_params(), "cursor_factory": Cursor}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection from the pool that the server has not closed.

        Django's own check would send a statement at each request.
        """
        while True:
            connection = super().get_new_connection(conn_params)
            try:
                # Neither call waits. The first reads a last message of the server, the second notices that it has
                # closed.
                connection.pgconn.consume_input()
                connection.pgconn.consume_input()
            except psycopg.OperationalError:
                if self.pool is None:
                    raise
                # The pool replaces a closed connection.
                connection.close()
                self.pool.putconn(connection)
            else:
                if self.pool is not None:
                    metrics.CONNECTIONS_IN_USE.inc()
                return connection

    def kept_cursor(self) -> CursorWrapper:
        """The cursor for the statement that every request runs. It answers in binary form, and is not closed.

        It belongs to its connection. A new cursor would find out again how to read each column. psycopg reads ids and
        times several times as fast in binary form as in text form.
        """
        # cursor() begins with these two.
        self.close_if_health_check_failed()
        self.ensure_connection()
        kept = getattr(self.connection, "kept_cursor", None)
        if kept is None:
            kept = self.connection.kept_cursor = self.create_cursor()
            kept.format = Format.BINARY
        return self.make_debug_cursor(kept) if self.queries_logged else self.make_cursor(kept)

    def _set_autocommit(self, autocommit: bool) -> None:
        # A connection from the pool has autocommit already. psycopg would lock the connection to set it again.
        if self.connection.autocommit != autocommit:
            super()._set_autocommit(autocommit)

    def close(self) -> None:
        """Gives the connection back to the pool. With an error it is closed first, so that the pool drops it."""
        if self.errors_occurred and not self.in_atomic_block:
            self.connection.close()
        had_one = self.connection is not None and self.pool is not None
        super().close()
        if had_one and self.connection is None:
            metrics.CONNECTIONS_IN_USE.dec()

    @property
    def errors_occurred(self) -> bool:
        """Whether this connection had an error that was not caused by the data.

        Django forgets the error with the next commit or rollback, but these also succeed on a server that has become
        read-only.
        """
        return self.connection is not None and self.connection is self._failed

    @errors_occurred.setter
    def errors_occurred(self, occurred: bool) -> None:
        if occurred:
            self._failed = self.connection
