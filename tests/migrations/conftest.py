from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.processes import database_url
from tests.servers import ON_POSTGRES


@pytest.fixture
def empty_database(tmp_path: Path) -> Iterator[str]:
    """The URL of a database without a table."""
    if not ON_POSTGRES:
        yield database_url(str(tmp_path / "db.sqlite3"))
        return
    name = f"{connection.settings_dict['NAME']}_empty"
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    try:
        yield database_url(name)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
