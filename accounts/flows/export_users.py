from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.core.context import ClientContext
from accounts.models.security_event import EventKind
from accounts.services import audit
from accounts.services.moving import leaving
from accounts.services.moving.sealing import Sealer


def export_users(
    *, user_ids: Sequence[UUID] | None, sealer: Sealer | None, context: ClientContext
) -> Iterator[list[dict[str, Any]]]:
    """Everything that makes accounts, hashes of passwords too, some thousand accounts at a time.

    user_ids: whose; None for all. sealer: encrypts authenticator apps and recovery codes; None leaves them out.
    That it was asked for is recorded before the first is answered.
    """
    detail = "all users" if user_ids is None else f"{len(user_ids)} users"
    with transaction.atomic(durable=True):
        audit.record(EventKind.EXPORTED, context, detail=detail)
    yield from leaving.lines(user_ids, sealer=sealer)
