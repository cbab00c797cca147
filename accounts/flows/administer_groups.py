from collections.abc import Collection

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from accounts.core.context import ClientContext
from accounts.models.security_event import EventKind
from accounts.services import audit
from accounts.services.roles import ROLES

# The longest detail of an event.
LONGEST_DETAIL = 64


def put_group(*, group: Group, permissions: Collection[Permission] | None = None, context: ClientContext) -> None:
    """Saves a new or changed group. permissions: its new permissions; None leaves them unchanged."""
    with transaction.atomic(durable=True):
        group.save()
        if permissions is not None:
            group.permissions.set(permissions)
        audit.record(EventKind.GROUP_CHANGED, context, detail=group.name[:LONGEST_DETAIL])


def delete_group(*, group: Group, context: ClientContext) -> None:
    """Deletes a group. Its users lose its permissions."""
    with transaction.atomic(durable=True):
        audit.record(EventKind.GROUP_DELETED, context, detail=group.name[:LONGEST_DETAIL])
        group.delete()


def make_roles(*, is_reset: bool, context: ClientContext) -> list[str]:
    """Makes the missing groups of services/roles.py, and returns the names of the groups that it wrote.

    is_reset: also gives existing groups exactly the permissions of that list.
    """
    written = []
    with transaction.atomic(durable=True):
        for name, codenames in ROLES.items():
            group, is_new = Group.objects.get_or_create(name=name)
            if not (is_new or is_reset):
                continue
            found = Permission.objects.filter(content_type__app_label="accounts", codename__in=codenames)
            group.permissions.set(found)
            audit.record(EventKind.GROUP_CHANGED, context, detail=name)
            written.append(name)
    return written
