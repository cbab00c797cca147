from importlib import import_module
from typing import Any

from django.db import migrations, models
from django.db.models.functions import Right

# Its name is none that `import` takes.
before = import_module("accounts.migrations.0006_index_of_expired_codes")


class AddIndexBesideWriters(before.AddIndexBesideWriters):
    """As before; but on a table that deploy/partitions.sql has divided writers wait: PostgreSQL offers nothing else."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if self._is_divided(app_label, schema_editor, to_state):
            migrations.AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)
            return
        super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if self._is_divided(app_label, schema_editor, to_state):
            migrations.AddIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)
            return
        super().database_backwards(app_label, schema_editor, from_state, to_state)

    def _is_divided(self, app_label: str, schema_editor: Any, state: Any) -> bool:
        if schema_editor.connection.vendor != "postgresql":
            return False
        table = state.apps.get_model(app_label, self.model_name)._meta.db_table
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)", [table])
            return cursor.fetchone() == ("p",)


class Migration(migrations.Migration):
    # What is made beside writers cannot be made in a transaction. Each index is made anew where a run was interrupted.
    atomic = False

    dependencies = [
        ("accounts", "0012_notes_and_former_addresses"),
    ]

    operations = [
        AddIndexBesideWriters(
            model_name='message',
            index=models.Index(fields=['created_at', 'id'], name='message_created'),
        ),
        AddIndexBesideWriters(
            model_name='message',
            index=models.Index(condition=models.Q(('state', 'dead')), fields=['created_at'], name='message_dead'),
        ),
        AddIndexBesideWriters(
            model_name='securityevent',
            index=models.Index(fields=['session_id'], name='event_session'),
        ),
        AddIndexBesideWriters(
            model_name='securityevent',
            index=models.Index(Right('request_id', 8), name='event_request'),
        ),
        AddIndexBesideWriters(
            model_name='securityevent',
            index=models.Index(fields=['ip'], name='event_ip'),
        ),
        AddIndexBesideWriters(
            model_name='securityevent',
            index=models.Index(fields=['kind'], name='event_kind'),
        ),
        AddIndexBesideWriters(
            model_name='securityevent',
            index=models.Index(condition=models.Q(('actor_kind__in', ('administrator', 'command', 'service'))), fields=['actor_kind', 'at'], name='event_actor_kind'),
        ),
        AddIndexBesideWriters(
            model_name='session',
            index=models.Index(fields=['started_at'], name='session_started'),
        ),
        AddIndexBesideWriters(
            model_name='session',
            index=models.Index(fields=['ip'], name='session_ip'),
        ),
        AddIndexBesideWriters(
            model_name='session',
            index=models.Index(condition=models.Q(('kind', 'admin')), fields=['started_at'], name='session_admin'),
        ),
        AddIndexBesideWriters(
            model_name='session',
            index=models.Index(condition=models.Q(('end_reason', ''), _negated=True), fields=['end_reason', 'started_at'], name='session_end_reason'),
        ),
        AddIndexBesideWriters(
            model_name='user',
            index=models.Index(fields=['created_at', 'id'], name='user_created'),
        ),
        AddIndexBesideWriters(
            model_name='user',
            index=models.Index(condition=models.Q(('is_active', False)), fields=['created_at'], name='user_inactive'),
        ),
        AddIndexBesideWriters(
            model_name='user',
            index=models.Index(condition=models.Q(('is_staff', True)), fields=['created_at'], name='user_staff'),
        ),
        AddIndexBesideWriters(
            model_name='user',
            index=models.Index(condition=models.Q(('is_superuser', True)), fields=['created_at'], name='user_superuser'),
        ),
        AddIndexBesideWriters(
            model_name='user',
            index=models.Index(condition=models.Q(('has_second_factor', True)), fields=['created_at'], name='user_factors'),
        ),
        AddIndexBesideWriters(
            model_name='user',
            index=models.Index(models.F('deletion_due_at'), condition=models.Q(('deletion_due_at__isnull', False)), name='user_deletion_due'),
        ),
        AddIndexBesideWriters(
            model_name='user',
            index=models.Index(models.F('external_id'), condition=models.Q(('external_id', ''), _negated=True), name='user_external_id'),
        ),
    ]
