import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.core import clock


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0017_moved_accounts'),
    ]

    operations = [
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('page', models.CharField(max_length=100)),
                ('name', models.CharField(max_length=60, verbose_name='name')),
                ('query', models.CharField(max_length=500)),
                ('created_at', models.DateTimeField(default=clock.now)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'saved view',
                'verbose_name_plural': 'saved views',
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('user', 'page', 'name'), name='saved_view_name')],
            },
        ),
    ]
