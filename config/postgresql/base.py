import select
from typing import Any, Self

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from psycopg.errors import FeatureNotSupported
from psycopg.pq import Format, TransactionStatus


class Cursor(base.CursorMixin, psycopg.Cursor[Any]):
    """Runs a statement again whose prepared plan is stale.

    When a column changes its type, PostgreSQL refuses the plans that were made before. A kept connection would run
    into that with every request.
    """

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        try:
            return super().execute(query, params, **options)
        except FeatureNotSupported as error:
            # The message is translated, the name of PostgreSQL's function is not.
            is_stale = error.diag.source_function == "RevalidateCachedQuery"
            # In a transaction nothing can be run after an error.
            if not is_stale or self.connection.info.transaction_status != TransactionStatus.IDLE:
                raise
        # The other plans may be stale, too; psycopg notices that they are gone.
        self.connection.execute("DEALLOCATE ALL")
        return super().execute(query, params, **options)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's PostgreSQL, which keeps a connection only as long as nothing speaks against it."""

    _failed: Any = None
    _kept_cursor: Cursor | None = None

    def get_connection_params(self) -> dict[str, Any]:
        return {**super().get_connection_params(), "cursor_factory": Cursor}

    def kept_cursor(self) -> CursorWrapper:
        """A cursor for the statement that every request runs; it is not closed, and answers in binary form.

        A cursor that runs the same statement again still knows how to read its columns. A new one finds that out
        anew for each column. psycopg reads ids and times in binary form several times as fast as in text.
        """
        # Both are what cursor() begins with.
        self.close_if_health_check_failed()
        self.ensure_connection()
        kept = self._kept_cursor
        if kept is None or kept.connection is not self.connection:
            kept = self._kept_cursor = self.create_cursor()
            kept.format = Format.BINARY
        return self.make_debug_cursor(kept) if self.queries_logged else self.make_cursor(kept)

    @property
    def errors_occurred(self) -> bool:
        """Whether there was an error on this connection that is not about the data.

        Django forgets it with the next commit or rollback, but those work on a server that has become read-only, too.
        """
        return self.connection is not None and self.connection is self._failed

    @errors_occurred.setter
    def errors_occurred(self, occurred: bool) -> None:
        if occurred:
            self._failed = self.connection

    def is_usable(self) -> Any:
        """Whether the kept connection is still good, which is seen by its socket.

        Django sends a statement for that with every request. A server that was restarted or that hung up has closed
        the connection, which makes the socket readable; only then is it asked.
        """
        if self.connection is None or self.errors_occurred:
            return False
        # select() knows the first 1,024 file descriptors alone.
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return super().is_usable() if poll.poll(0) else True
