from collections.abc import Collection

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from accounts.core.context import ClientContext
from accounts.models.security_event import EventKind
from accounts.services import audit
from accounts.services.roles import ROLES

# As long as the detail of an event may be.
LONGEST_DETAIL = 64


def put_group(*, group: Group, permissions: Collection[Permission] | None = None, context: ClientContext) -> None:
    """Saves a new or changed group; permissions: the ones it has from then on, None leaves them as they are."""
    with transaction.atomic(durable=True):
        group.save()
        if permissions is not None:
            group.permissions.set(permissions)
        audit.record(EventKind.GROUP_CHANGED, context, detail=group.name[:LONGEST_DETAIL])


def delete_group(*, group: Group, context: ClientContext) -> None:
    """Deletes a group; its users lose what it permitted."""
    with transaction.atomic(durable=True):
        audit.record(EventKind.GROUP_DELETED, context, detail=group.name[:LONGEST_DETAIL])
        group.delete()


def make_roles(*, is_reset: bool, context: ClientContext) -> list[str]:
    """Makes the groups of services/roles.py that are not there, and answers the names of those that it wrote.

    is_reset: gives those that are there their permissions of that list, and no others.
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
