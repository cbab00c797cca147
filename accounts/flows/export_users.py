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
    """All data of accounts, including password hashes, some thousand accounts at a time.

    user_ids: None for all. sealer: encrypts authenticator apps and recovery codes; None leaves them out. The export is
    recorded before the first account is returned.
    """
    detail = "all users" if user_ids is None else f"{len(user_ids)} users"
    with transaction.atomic(durable=True):
        audit.record(EventKind.EXPORTED, context, detail=detail)
    yield from leaving.lines(user_ids, sealer=sealer)
