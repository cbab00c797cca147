from importlib import import_module
from typing import Any

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models

AddIndexBesideWriters = import_module("accounts.migrations.0013_what_the_admin_is_searched_by").AddIndexBesideWriters


class RemoveIndexBesideWriters(RemoveIndexConcurrently):
    """Removes an index without a lock that everybody waits for; on a divided table with one."""

    _is_divided = AddIndexBesideWriters._is_divided

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._operation(app_label, schema_editor, to_state).database_forwards(
            self, app_label, schema_editor, from_state, to_state
        )

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._operation(app_label, schema_editor, to_state).database_backwards(
            self, app_label, schema_editor, from_state, to_state
        )

    def _operation(self, app_label: str, schema_editor: Any, state: Any) -> Any:
        if schema_editor.connection.vendor != "postgresql" or self._is_divided(app_label, schema_editor, state):
            return migrations.RemoveIndex
        return RemoveIndexConcurrently


class Migration(migrations.Migration):
    # What is done beside writers cannot be done in a transaction.
    atomic = False

    dependencies = [
        ("accounts", "0023_index_of_foreign_hashes"),
    ]

    operations = [
        AddIndexBesideWriters(
            model_name="securityevent",
            index=models.Index(fields=["ip", "at"], name="event_ip_at"),
        ),
        AddIndexBesideWriters(
            model_name="session",
            index=models.Index(fields=["ip", "started_at"], name="session_ip_started"),
        ),
        RemoveIndexBesideWriters(model_name="securityevent", name="event_ip"),
        RemoveIndexBesideWriters(model_name="session", name="session_ip"),
    ]
