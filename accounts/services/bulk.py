"""Many rows at once: COPY on PostgreSQL, one prepared INSERT elsewhere."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection
from django.db.models import JSONField, Model

Row = tuple[Any, ...]


def insert(model: type[Model], columns: str, rows: Sequence[Row]) -> None:
    """Inserts rows with a value for each of `columns`, which are separated by commas; called inside a transaction.

    Raises IntegrityError.
    """
    names = columns.split(", ")
    quoted = ", ".join(connection.ops.quote_name(name) for name in names)
    table = connection.ops.quote_name(model._meta.db_table)
    by_column = {field.column: field for field in model._meta.concrete_fields}
    fields = [by_column[name] for name in names]
    if not rows:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            has_json = any(isinstance(field, JSONField) for field in fields)
            with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({quoted}) FROM STDIN") as copy:
                for row in _prepared(fields, rows) if has_json else rows:
                    copy.write_row(row)
            return
        places = ", ".join(["%s"] * len(names))
        cursor.executemany(f"INSERT INTO {table} ({quoted}) VALUES ({places})", list(_prepared(fields, rows)))  # noqa: S608


def _prepared(fields: Sequence[Any], rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        yield tuple(field.get_db_prep_save(value, connection) for field, value in zip(fields, row, strict=True))
