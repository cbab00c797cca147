"""Computes the canonical form of addresses anew: the domain by IDNA 2008, the local part without needless quotes.

Two accounts may turn out to have one mailbox. Both stay as they are, and the log names them: an administrator decides.
"""

import logging

from django.db import IntegrityError, migrations, transaction
from django.db.models import Q

from accounts.models.user import canonical

log = logging.getLogger("accounts.migrations")


def compute(apps, schema_editor):
    User = apps.get_model("accounts", "User")
    EmailAddress = apps.get_model("account", "EmailAddress")
    # The form of all other addresses has not changed.
    concerned = Q(email__regex=r"[^ -~]") | Q(email__contains='"') | Q(email__icontains="xn--")
    for pk, email, old in User.objects.filter(concerned).values_list("pk", "email", "email_key").iterator():
        new = canonical(email)
        if new == old:
            continue
        try:
            with transaction.atomic():
                User.objects.filter(pk=pk, email_key=old).update(email_key=new)
                EmailAddress.objects.filter(user_id=pk, email=old).update(email=new)
        except IntegrityError:
            other = User.objects.filter(email_key=new).values_list("pk", flat=True).first()
            log.warning("the users %s and %s have the same mailbox; only the latter logs in by address", pk, other)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_sessions_events_and_limits"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [migrations.RunPython(compute, migrations.RunPython.noop)]
