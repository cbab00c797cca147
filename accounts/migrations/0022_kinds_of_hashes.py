from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0021_events_of_signing_keys"),
    ]

    operations = [
        migrations.CreateModel(
            name="HashKind",
            fields=[
                ("kind", models.CharField(max_length=128, primary_key=True, serialize=False)),
                ("seconds", models.FloatField()),
            ],
        ),
    ]
