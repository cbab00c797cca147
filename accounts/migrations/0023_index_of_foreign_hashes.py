from importlib import import_module

from django.db import migrations, models

AddIndexBesideWriters = import_module("accounts.migrations.0013_what_the_admin_is_searched_by").AddIndexBesideWriters


class Migration(migrations.Migration):
    # What is made beside writers cannot be made in a transaction.
    atomic = False

    dependencies = [
        ("accounts", "0022_kinds_of_hashes"),
    ]

    operations = [
        AddIndexBesideWriters(
            model_name="user",
            index=models.Index(
                fields=["id"],
                name="user_foreign_hash",
                condition=models.Q(
                    models.Q(("password__startswith", "argon2$argon2id$v=19$m=19456,t=2,p=1$"), _negated=True),
                    models.Q(("password__startswith", "!"), _negated=True),
                ),
            ),
        ),
    ]
