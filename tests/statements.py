from typing import Any, Self

from django.db import connection
from django.test.utils import CaptureQueriesContext

NOT_COUNTED = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT", "ROLLBACK")


class Statements:
    """Counts the SQL statements of a with block; savepoints, begins and commits are not counted."""

    def __enter__(self) -> Self:
        self._capture = CaptureQueriesContext(connection)
        self._capture.__enter__()
        return self

    def __exit__(self, *args: Any) -> None:
        self._capture.__exit__(*args)
        self.sql = [
            query["sql"] for query in self._capture.captured_queries if not query["sql"].upper().startswith(NOT_COUNTED)
        ]

    def __len__(self) -> int:
        return len(self.sql)
