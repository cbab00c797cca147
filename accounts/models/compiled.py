import functools
import operator
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models import Field, Model, QuerySet
from django.db.models.query import get_related_populators
from psycopg.pq import Format

M = TypeVar("M", bound=Model)


class CompiledGet(Generic[M]):
    """A query for at most one row, made by the ORM once and then only run.

    For the one query that every authenticated request needs: there, building the SQL anew takes Django several times
    as long as running it. Rows become instances as in a queryset, with select_related() and annotate().

    make: builds the queryset from the parameters, each of which it must use once.
    parameters: name to the model field whose values it takes, and a value that nothing else in the query has.
    """

    def __init__(self, make: Callable[..., QuerySet[M]], parameters: dict[str, tuple["Field[Any, Any]", Any]]) -> None:
        self._make = make
        self._parameters = parameters
        self._of_thread = threading.local()

    def get(self, **values: Any) -> M | None:
        """The instance for these values of the parameters, or None."""
        sql, params, positions, hydrate = self._plan
        connection = connections[DEFAULT_DB_ALIAS]
        bound = list(params)
        for name, position in positions.items():
            bound[position] = self._parameters[name][0].get_db_prep_value(values[name], connection, prepared=False)
        if connection.vendor == "postgresql":
            cursor = self._kept_cursor(connection)
            cursor.execute(sql, bound)
            row = cursor.fetchone()
        else:
            with connection.cursor() as cursor:
                cursor.execute(sql, bound)
                row = cursor.fetchone()
        return None if row is None else hydrate(row)

    def _kept_cursor(self, connection: BaseDatabaseWrapper) -> CursorWrapper:
        """psycopg's cursor for this query, which stays open for the next call on the same connection.

        A cursor that runs the same query again still knows how to load its columns; a new one finds that out anew,
        which takes longer than making the instance does.
        """
        # Both are what connection.cursor() begins with.
        connection.close_if_health_check_failed()
        connection.ensure_connection()
        kept = getattr(self._of_thread, "cursor", None)
        if kept is None or kept.connection is not connection.connection:
            kept = self._of_thread.cursor = connection.create_cursor()
            # psycopg makes ids and times of PostgreSQL's binary form several times as fast as of text.
            kept.format = Format.BINARY
        return connection.make_debug_cursor(kept) if connection.queries_logged else connection.make_cursor(kept)

    @functools.cached_property
    def _plan(self) -> tuple[str, tuple[Any, ...], dict[str, int], Callable[[tuple[Any, ...]], M]]:
        queryset = self._make(**{name: sample for name, (_field, sample) in self._parameters.items()})
        connection = connections[DEFAULT_DB_ALIAS]
        compiler = queryset.order_by().query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        positions = {
            name: params.index(field.get_db_prep_value(sample, connection, prepared=False))
            for name, (field, sample) in self._parameters.items()
        }
        converters = compiler.get_converters([column[0] for column in compiler.select])
        klass_info = compiler.klass_info
        fields = klass_info["select_fields"]
        first, last = fields[0], fields[-1] + 1
        names = [column[0].target.attname for column in compiler.select[first:last]]
        # The stubs are of a later Django, which has one parameter more.
        related = get_related_populators(klass_info, compiler.select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]
        annotations = [(name, operator.itemgetter(place)) for name, place in compiler.annotation_col_map.items()]

        def hydrate(row: tuple[Any, ...]) -> M:
            values = next(iter(compiler.apply_converters([row], converters))) if converters else row
            instance: M = queryset.model.from_db(DEFAULT_DB_ALIAS, names, values[first:last])
            for populator in related:
                populator.populate(values, instance)
            for name, value_of in annotations:
                setattr(instance, name, value_of(values))
            return instance

        return sql, tuple(params), positions, hydrate
