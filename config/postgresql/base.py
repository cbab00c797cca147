import select
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's PostgreSQL, which asks whether a kept connection is still good by looking at its socket.

    Django sends a statement for that with every request. A server that was restarted or that hung up has closed the
    connection, which makes the socket readable; only then is it asked.
    """

    def is_usable(self) -> Any:
        if self.connection is None:
            return False
        readable, _, _ = select.select([self.connection.fileno()], [], [], 0)
        return super().is_usable() if readable else True
