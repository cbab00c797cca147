from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0020_index_of_locked_users'),
    ]

    operations = [
        migrations.AlterField(
            model_name='securityevent',
            name='kind',
            field=models.CharField(choices=[('registered', 'registered'), ('imported', 'moved in from elsewhere'), ('registration_refused', 'registration refused: the address is taken'), ('verification_requested', 'verification mail asked for'), ('code_requested', 'e-mail code asked for'), ('code_refused', 'e-mail code refused'), ('email_verified', 'e-mail verified'), ('email_unverified', 'e-mail marked as not verified'), ('email_change_requested', 'change of the e-mail asked for'), ('email_changed', 'e-mail changed'), ('logged_in', 'logged in'), ('login_failed', 'login failed'), ('password_guessed', 'too many wrong passwords'), ('factor_asked', 'second factor asked for'), ('factor_refused', 'second factor refused'), ('factor_added', 'second factor added'), ('factor_removed', 'second factor removed'), ('identity_added', 'another provider connected'), ('identity_removed', 'another provider disconnected'), ('recovery_codes_made', 'new recovery codes'), ('reauthenticated', 'proved again who they are'), ('refresh_token_reused', 'a refresh token was used again'), ('session_ended', 'session ended'), ('profile_changed', 'profile changed'), ('password_changed', 'password changed'), ('password_change_failed', 'password change failed'), ('password_reset_requested', 'password reset asked for'), ('password_reset', 'password reset'), ('not_registered', 'the owner of the address did not register'), ('disowned', 'its user said: it was not me'), ('activated', 'account activated'), ('deactivated', 'account deactivated'), ('roles_changed', 'roles changed'), ('groups_changed', 'groups changed'), ('group_changed', 'a group and its permissions changed'), ('group_deleted', 'a group was deleted'), ('export_requested', 'copy of the data asked for'), ('exported', 'copy of the data fetched'), ('deletion_requested', 'deletion of the account asked for'), ('deletion_undone', 'account kept after all'), ('deleted', 'account deleted'), ('unlocked', 'unlocked after wrong passwords'), ('note_added', 'note of an administrator'), ('viewed', 'looked at by an administrator'), ('signing_key_rotated', 'the next signing key was published'), ('signing_key_retired', 'a signing key was retired')], max_length=32, verbose_name='kind'),
        ),
    ]
