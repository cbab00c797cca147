from django.conf import settings
from django.db import migrations, models

from accounts.core import clock


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0011_own_data_and_deletion"),
    ]

    operations = [
        migrations.CreateModel(
            name='FormerAddress',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email_key', models.CharField(max_length=600)),
                ('left_at', models.DateTimeField(default=clock.now)),
            ],
        ),
        migrations.CreateModel(
            name='Note',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=clock.now, verbose_name='time')),
                ('text', models.CharField(max_length=2000, verbose_name='text')),
            ],
            options={
                'verbose_name': 'note',
                'verbose_name_plural': 'notes',
                'ordering': ['-at', '-id'],
                'default_permissions': ('add', 'view'),
            },
        ),
        migrations.AlterModelOptions(
            name='user',
            options={'ordering': ['-created_at'], 'permissions': [('reset_user', 'Can send a password reset mail to users'), ('verify_user', 'Can mark addresses of users as verified'), ('activate_user', 'Can activate and deactivate users'), ('reset_factors_user', 'Can remove the second factors of users'), ('correct_email_user', 'Can correct the addresses of users'), ('send_verification_user', 'Can send verification mails to users'), ('unlock_user', 'Can unlock users after wrong passwords')], 'verbose_name': 'user', 'verbose_name_plural': 'users'},
        ),
        migrations.AlterField(
            model_name='securityevent',
            name='kind',
            field=models.CharField(choices=[('registered', 'registered'), ('registration_refused', 'registration refused: the address is taken'), ('verification_requested', 'verification mail asked for'), ('code_requested', 'e-mail code asked for'), ('code_refused', 'e-mail code refused'), ('email_verified', 'e-mail verified'), ('email_unverified', 'e-mail marked as not verified'), ('email_change_requested', 'change of the e-mail asked for'), ('email_changed', 'e-mail changed'), ('logged_in', 'logged in'), ('login_failed', 'login failed'), ('password_guessed', 'too many wrong passwords'), ('factor_asked', 'second factor asked for'), ('factor_refused', 'second factor refused'), ('factor_added', 'second factor added'), ('factor_removed', 'second factor removed'), ('recovery_codes_made', 'new recovery codes'), ('reauthenticated', 'proved again who they are'), ('refresh_token_reused', 'a refresh token was used again'), ('session_ended', 'session ended'), ('profile_changed', 'profile changed'), ('password_changed', 'password changed'), ('password_change_failed', 'password change failed'), ('password_reset_requested', 'password reset asked for'), ('password_reset', 'password reset'), ('not_registered', 'the owner of the address did not register'), ('disowned', 'its user said: it was not me'), ('activated', 'account activated'), ('deactivated', 'account deactivated'), ('roles_changed', 'roles changed'), ('groups_changed', 'groups changed'), ('group_changed', 'a group and its permissions changed'), ('group_deleted', 'a group was deleted'), ('export_requested', 'copy of the data asked for'), ('exported', 'copy of the data fetched'), ('deletion_requested', 'deletion of the account asked for'), ('deletion_undone', 'account kept after all'), ('deleted', 'account deleted'), ('unlocked', 'unlocked after wrong passwords'), ('note_added', 'note of an administrator'), ('viewed', 'looked at by an administrator')], max_length=32, verbose_name='kind'),
        ),
        migrations.AddField(
            model_name='formeraddress',
            name='user',
            field=models.ForeignKey(on_delete=models.CASCADE, related_name='former_addresses', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='note',
            name='author',
            field=models.ForeignKey(null=True, on_delete=models.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='administrator'),
        ),
        migrations.AddField(
            model_name='note',
            name='user',
            field=models.ForeignKey(on_delete=models.CASCADE, related_name='notes', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AddIndex(
            model_name='formeraddress',
            index=models.Index(fields=['email_key'], name='former_address_key'),
        ),
        migrations.AddIndex(
            model_name='formeraddress',
            index=models.Index(fields=['left_at'], name='former_address_left'),
        ),
    ]
