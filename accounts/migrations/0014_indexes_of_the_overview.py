from importlib import import_module

from django.db import migrations, models

AddIndexBesideWriters = import_module("accounts.migrations.0013_what_the_admin_is_searched_by").AddIndexBesideWriters


class Migration(migrations.Migration):
    # What is made beside writers cannot be made in a transaction.
    atomic = False

    dependencies = [
        ("accounts", "0013_what_the_admin_is_searched_by"),
    ]

    operations = [
        AddIndexBesideWriters(
            model_name="securityevent",
            index=models.Index(
                fields=["at"],
                name="event_of_guessing",
                condition=models.Q(
                    kind__in=(
                        "code_refused",
                        "factor_refused",
                        "login_failed",
                        "password_change_failed",
                        "password_guessed",
                    )
                ),
            ),
        ),
    ]
