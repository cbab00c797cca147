from importlib import import_module

from django.db import migrations, models

AddIndexBesideWriters = import_module("accounts.migrations.0013_what_the_admin_is_searched_by").AddIndexBesideWriters


class Migration(migrations.Migration):
    # PostgreSQL cannot make an index CONCURRENTLY in a transaction.
    atomic = False

    dependencies = [
        ("accounts", "0019_locked_until"),
    ]

    operations = [
        AddIndexBesideWriters(
            model_name="user",
            index=models.Index(
                models.F("locked_until"),
                name="user_locked",
                condition=models.Q(("locked_until__isnull", False)),
            ),
        ),
    ]
