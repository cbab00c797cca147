from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0018_saved_views"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="locked_until",
            field=models.DateTimeField(editable=False, null=True, verbose_name="locked until"),
        ),
    ]
