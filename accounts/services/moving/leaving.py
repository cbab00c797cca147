"""Exports accounts in the form that own.from_lines() reads."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from accounts.models import Passkey, RecoveryCode, TotpFactor, User
from accounts.services import addresses, encryption, identities
from accounts.services.factors import totp
from accounts.services.hashers import to_base64
from accounts.services.moving.records import MovedFactors
from accounts.services.moving.sealing import Sealer

CHUNK = 2_000
_COLUMNS = (
    *("id", "external_id", "username", "email", "password", "avatar_url", "language", "is_active", "is_staff"),
    *("is_superuser", "created_at", "last_visit", "mailbox_proved_at", "disowned_at", "disowned_from"),
    *("deletion_due_at", "has_second_factor"),
)

Line = dict[str, Any]


def lines(ids: Sequence[uuid.UUID] | None, *, sealer: Sealer | None) -> Iterator[list[Line]]:
    """The accounts by their ids, CHUNK after CHUNK. ids: None for all. sealer: None leaves out second factors.

    Users who register meanwhile may be missing. No user appears twice.
    """
    last = uuid.UUID(int=0)
    users = User.objects.get_queryset().order_by("pk")
    if ids is not None:
        users = users.filter(pk__in=ids)
    while chunk := list(users.filter(pk__gt=last).values(*_COLUMNS)[:CHUNK]):
        last = chunk[-1]["id"]
        # A range is much shorter to send and to read than thousands of ids.
        among = (
            Q(user__gte=chunk[0]["id"], user__lte=last) if ids is None else Q(user__in=[user["id"] for user in chunk])
        )
        yield _with_theirs(chunk, among, sealer)


def _with_theirs(chunk: list[Line], among: Q, sealer: Sealer | None) -> list[Line]:
    verified = addresses.verified_of(among)
    providers = identities.rows_of(among)
    groups = defaultdict(list)
    for user_id, name in User.groups.through.objects.filter(among).values_list("user_id", "group__name"):
        groups[user_id].append(name)
    keys = defaultdict(list)
    for key in Passkey.objects.filter(among).order_by("created_at", "pk"):
        keys[key.user_id].append(_passkey(key))
    factors = _factors(among)
    for user in chunk:
        user_id = user["id"]
        user["email_verified"] = user_id in verified
        user["providers"] = [_identity(*row) for row in providers.get(user_id, ())]
        user["groups"] = sorted(groups[user_id])
        user["passkeys"] = keys[user_id]
        found = factors.get(user_id)
        user["has_more_factors"] = found is not None
        user["factors"] = sealer.seal(user_id, found) if found and sealer else None
        del user["has_second_factor"]
    return chunk


def _identity(provider: str, subject: str, extra: dict[str, str], connected_at: datetime, used_at: datetime) -> Line:
    more = {"issuer": extra.get("issuer", ""), "email": extra.get("email", "")}
    return {"provider": provider, "subject": subject, **more, "connected_at": connected_at, "used_at": used_at}


def _passkey(key: Passkey) -> Line:
    return {
        "id": key.pk,
        "name": key.name,
        "credential": to_base64(bytes(key.credential)),
        "sign_count": key.sign_count,
        "is_backed_up": key.is_backed_up,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
    }


def _factors(among: Q) -> dict[uuid.UUID, MovedFactors]:
    """The app and the recovery codes of each user who has any. An app whose secret cannot be decrypted is left out."""
    codes = defaultdict(list)
    made: dict[uuid.UUID, datetime] = {}
    for code in RecoveryCode.objects.filter(among).order_by("pk"):
        codes[code.user_id].append(code.code_hash)
        made[code.user_id] = code.created_at
    found = {}
    for app in TotpFactor.objects.filter(among):
        found[app.user_id] = MovedFactors(
            secret=(encryption.decrypt(app.secret, totp.PURPOSE) or b"").decode(),
            created_at=app.created_at,
            last_used_at=app.last_used_at,
            last_step=app.last_step,
            code_hashes=codes[app.user_id],
            codes_made_at=made.get(app.user_id, app.created_at),
        )
    for user_id, at in made.items():
        if user_id not in found:
            found[user_id] = MovedFactors(
                secret="", created_at=at, last_used_at=at, last_step=0, code_hashes=codes[user_id], codes_made_at=at
            )
    return found
