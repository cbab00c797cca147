from typing import Any

from django.core.management.commands import migrate
from django.db import OperationalError
from psycopg.errors import DeadlockDetected

TRIES = 10


class Command(migrate.Command):
    """Django's own, which begins again after a deadlock.

    A migration locks tables in another order than the requests that are served meanwhile. PostgreSQL ends one of them,
    here the migration, whose transaction is undone. The migrations before it stay.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        for tries_left in reversed(range(TRIES)):
            try:
                super().handle(*args, **options)
                return
            except OperationalError as error:
                if not tries_left or not isinstance(error.__cause__, DeadlockDetected):
                    raise
                self.stderr.write("A request and a migration waited for each other. The migration begins again.")
