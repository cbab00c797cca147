"""Says whose a mail is, so that it goes with the account, and finds what is nobody's by its address.

The address of a user is no EmailField any more, which is nothing to the database.

Mail from before goes by its address, unless its account had left that address already: nothing tells whose that was,
and purge_expired removes it after thirty days.
"""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_places_kinds_and_rotations'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='user',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(django.db.models.functions.text.Lower('to'), condition=models.Q(('user', None)), name='message_nobodys'),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='user',
                    name='email',
                    field=models.CharField(max_length=254, verbose_name='e-mail'),
                ),
            ],
        ),
    ]
