"""Our own formats: JSON Lines, as the export writes it, and CSV for files made by hand."""

import uuid
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from accounts.services.factors import passkeys
from accounts.services.hashers import from_base64
from accounts.services.moving import sealing
from accounts.services.moving.records import (
    Identity,
    MovedPasskey,
    Record,
    Refusal,
    UnreadableError,
    Values,
    as_uuid,
    mappings,
    moment,
    text,
    truth,
)
from accounts.services.moving.texts import Found, each_record

COLUMNS = {
    *("id", "external_id", "username", "email", "email_verified", "password", "avatar_url", "language"),
    *("is_active", "is_staff", "is_superuser", "created_at", "last_visit"),
}


def from_csv(found: Iterable[Found]) -> Iterator[Record | Refusal]:
    """The columns are those of COLUMNS; only `email` is required."""
    return each_record(_with_known_columns(found), _of_row)


def _with_known_columns(found: Iterable[Found]) -> Iterator[Found]:
    for each in found:
        if not isinstance(each, Refusal):
            _where, values = each
            unknown = sorted(set(values) - COLUMNS)
            if unknown or "email" not in values:
                named = f"the column {unknown[0]} is unknown" if unknown else "the column email is missing"
                yield Refusal("line 1", f"{named}; there are {', '.join(sorted(COLUMNS))}")
                return
        yield each


def _of_row(where: str, values: Values) -> Record:
    record = _record(where, values)
    # Any value that identifies the account when the same file is read again.
    raw_id = text(values, "id")
    record.external_id = record.external_id or raw_id or record.email.strip()
    record.id = as_uuid(raw_id)
    return record


def from_lines(found: Iterable[Found], *, key: sealing.PrivateKey | None = None) -> Iterator[Record | Refusal]:
    """The accounts of an export (see leaving.py). key: decrypts second factors; None leaves them out."""
    return each_record(found, partial(_of_line, key=key))


def _of_line(where: str, values: Values, *, key: sealing.PrivateKey | None) -> Record:
    record = _record(where, values)
    record.id = as_uuid(text(values, "id"))
    if record.id is None and text(values, "id"):
        raise UnreadableError("id is no UUID")
    if record.id is None:
        record.external_id = record.external_id or record.email.strip()
    _take_more(record, values, key)
    return record


def _record(where: str, values: Values) -> Record:
    return Record(
        where=where,
        external_id=text(values, "external_id"),
        username=text(values, "username"),
        email=text(values, "email"),
        password=text(values, "password"),
        verified=truth(values, "email_verified"),
        is_active=truth(values, "is_active", True),
        is_staff=truth(values, "is_staff"),
        is_superuser=truth(values, "is_superuser"),
        created_at=moment(values, "created_at"),
        last_visit=moment(values, "last_visit"),
        avatar_url=text(values, "avatar_url"),
        language=text(values, "language"),
    )


def _take_more(record: Record, values: Values, key: sealing.PrivateKey | None) -> None:
    record.mailbox_proved_at = moment(values, "mailbox_proved_at")
    record.disowned_at = moment(values, "disowned_at")
    record.disowned_from = moment(values, "disowned_from")
    record.deletion_due_at = moment(values, "deletion_due_at")
    groups = values.get("groups") or []
    if not isinstance(groups, list) or not all(isinstance(each, str) for each in groups):
        raise UnreadableError("groups is no list of names")
    record.groups = groups
    record.identities = [
        Identity(
            provider=text(each, "provider"),
            subject=text(each, "subject"),
            issuer=text(each, "issuer"),
            email=text(each, "email"),
            connected_at=moment(each, "connected_at"),
            used_at=moment(each, "used_at"),
        )
        for each in mappings(values, "providers")
    ]
    record.passkeys = [_passkey(each) for each in mappings(values, "passkeys")]
    if len(record.passkeys) > passkeys.MOST_FOR_A_USER:
        raise UnreadableError(f"more than {passkeys.MOST_FOR_A_USER} passkeys")
    sealed = text(values, "factors")
    if sealed and key:
        record.factors = sealing.open_factors(sealed, record.id, key)
    elif sealed or truth(values, "has_more_factors"):
        record.left_out.append("an authenticator app or recovery codes")


def _passkey(values: Values) -> MovedPasskey:
    created_at, id = moment(values, "created_at"), as_uuid(text(values, "id"))
    sign_count: Any = values.get("sign_count")
    try:
        credential = from_base64(text(values, "credential"))
        passkeys.hash_of(credential)
    except Exception:
        raise UnreadableError("a passkey that cannot be read") from None
    if created_at is None or not isinstance(sign_count, int) or not 0 <= sign_count < 2**32:
        raise UnreadableError("a passkey that cannot be read")
    return MovedPasskey(
        id=id or uuid.uuid4(),
        name=text(values, "name")[:100],
        credential=credential,
        sign_count=sign_count,
        is_backed_up=truth(values, "is_backed_up"),
        created_at=created_at,
        last_used_at=moment(values, "last_used_at") or created_at,
    )
