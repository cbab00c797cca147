"""Identities at other providers, and the accounts that they belong to: the door to allauth's SocialAccount.

An identity is its issuer and subject, never its address. A provider's tokens and profile are not kept.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from accounts.core.errors import AccountError, ErrorCode
from accounts.core.provider import Identity
from accounts.models import User
from accounts.services import bulk
from accounts.services.factors import passkeys

LONGEST_SUBJECT = 191
# Provider, subject, issuer and address, connected at, used at.
Row = tuple[str, str, dict[str, str], datetime, datetime]


def find_user(identity: Identity) -> User | None:
    """The user of this identity. Raises AccountError(PROVIDER_REFUSED) if the provider had another issuer before."""
    found = _of(identity).first()
    if found is None:
        return None
    if found.extra_data.get("issuer", identity.provider.issuer) != identity.provider.issuer:
        raise AccountError(ErrorCode.PROVIDER_REFUSED)
    return User.objects.with_address().filter(pk=found.user_id).first()


def link(user: User, identity: Identity) -> None:
    """Connects the identity. Raises AccountError(IDENTITY_TAKEN) if this or another account has it."""
    if len(identity.subject) > LONGEST_SUBJECT:
        raise AccountError(ErrorCode.PROVIDER_REFUSED)
    try:
        with transaction.atomic():
            SocialAccount.objects.create(
                user=user,
                provider=identity.provider.id,
                uid=identity.subject,
                extra_data={"issuer": identity.provider.issuer, "email": identity.email},
            )
    except IntegrityError:
        raise AccountError(ErrorCode.IDENTITY_TAKEN) from None


def find_taken(wanted: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """The pairs of provider and subject among these that accounts have."""
    if not wanted:
        return set()
    rows = SocialAccount.objects.filter(uid__in={subject for _provider, subject in wanted})
    return set(wanted) & set(rows.values_list("provider", "uid"))


def insert(rows: Sequence[tuple[uuid.UUID, str, str, dict[str, str], datetime, datetime]]) -> None:
    """Connects many: user, provider, subject, issuer and address, connected at, used at; inside a transaction."""
    bulk.insert(SocialAccount, "user_id, provider, uid, extra_data, date_joined, last_login", rows)


def note_use(identity: Identity, *, now: datetime) -> None:
    _of(identity).update(last_login=now)


def of(user: User) -> QuerySet[Any]:
    """Rows with `id`, `provider`, `uid`, `date_joined` and `last_login`."""
    rows: QuerySet[Any] = SocialAccount.objects.filter(user=user).order_by("pk")
    return rows


def rows_of(which: Q) -> dict[uuid.UUID, list[Row]]:
    """The identities of each user who has any. which: a condition on `user`."""
    found = defaultdict(list)
    rows = SocialAccount.objects.filter(which).order_by("pk")
    for user_id, *row in rows.values_list("user_id", "provider", "uid", "extra_data", "date_joined", "last_login"):
        found[user_id].append(tuple(row))
    return dict(found)


def unlink(user: User, id: int) -> str:
    """Removes the connection of this id, and returns its provider; called with the user locked.

    Raises AccountError(IDENTITY_NOT_FOUND), and AccountError(LAST_WAY_IN) if no password, no passkey and no other
    provider would be left.
    """
    found = of(user).filter(pk=id).first()
    if found is None:
        raise AccountError(ErrorCode.IDENTITY_NOT_FOUND)
    is_last = not (user.has_usable_password() or passkeys.of(user).exists() or of(user).exclude(pk=id).exists())
    if is_last:
        raise AccountError(ErrorCode.LAST_WAY_IN)
    found.delete()
    return str(found.provider)


def forget(user: User, *, since: datetime | None = None) -> bool:
    """Removes what was connected at `since` or later, or all. Returns whether there was any."""
    these = of(user)
    if since is not None:
        these = these.filter(date_joined__gte=since)
    return bool(these.delete()[0])


def export(user: User) -> list[dict[str, object]]:
    """The providers with which a user logs in."""
    rows = of(user)
    return [
        {"provider": row.provider, "subject": row.uid, "connected_at": row.date_joined, "used_at": row.last_login}
        for row in rows
    ]


def _of(identity: Identity) -> QuerySet[Any]:
    rows: QuerySet[Any] = SocialAccount.objects.filter(provider=identity.provider.id, uid=identity.subject)
    return rows
