"""Writes accounts that passed the rules, with everything that belongs to them; called inside a transaction."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group

from accounts.models import Passkey, RecoveryCode, TotpFactor, User
from accounts.services import addresses, bulk, encryption, identities, passwords
from accounts.services.factors import passkeys, totp
from accounts.services.moving.checking import Account

USER = (
    "id, password, is_superuser, username, username_key, email, email_key, avatar_url, language, is_active, is_staff,"
    " created_at, disowned_at, disowned_from, has_second_factor, mailbox_proved_at, last_visit, external_id,"
    " deletion_due_at"
)
PASSKEY = "id, user_id, name, credential_hash, credential, sign_count, is_backed_up, created_at, last_used_at"
FACTOR = "user_id, secret, created_at, last_step, last_used_at"
CODE = "user_id, code_hash, created_at"


def hashes_to_keep(accounts: Sequence[Account]) -> list[str]:
    """The hash to store for each account. Weak ones are wrapped on all cores; called outside of transactions."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        made = {
            account.id: threads.submit(account.hash.to_keep) if account.hash.weak else None
            for account in accounts
            if account.hash
        }
        kept = []
        for account in accounts:
            wrapped = made.get(account.id)
            if account.hash is None:
                kept.append(passwords.make_unusable())
            else:
                kept.append(wrapped.result() if wrapped else account.hash.stored)
    return kept


def add(accounts: Sequence[Account], hashes: Sequence[str], *, now: datetime) -> None:
    """Adds accounts. Raises IntegrityError if another user has taken a name meanwhile."""
    bulk.insert(User, USER, [_user(account, kept, now) for account, kept in zip(accounts, hashes, strict=True)])
    addresses.insert([(account.id, account.email_key, account.record.verified) for account in accounts])
    identities.insert(
        [
            (account.id, each.provider, each.subject, _extra(each), each.connected_at or now, each.used_at or now)
            for account in accounts
            for each in account.record.identities
        ]
    )
    _add_factors(accounts)
    _add_to_groups(accounts)


def update(account: Account, user_id: UUID, kept: str) -> None:
    """Updates an existing account. Its factors, identities and groups stay. Raises IntegrityError like add()."""
    record = account.record
    values: dict[str, Any] = {
        "email": account.email,
        "email_key": account.email_key,
        "is_active": record.is_active,
        "is_staff": record.is_staff,
        "is_superuser": record.is_superuser,
    }
    if not account.has_made_name:
        values |= {"username": account.username, "username_key": account.username_key}
    if account.hash is not None:
        values["password"] = kept
    if record.avatar_url:
        values["avatar_url"] = record.avatar_url
    if record.last_visit:
        values["last_visit"] = record.last_visit
    User.objects.filter(pk=user_id).update(**values)
    addresses.put(user_id, account.email_key, verified=record.verified)


def _user(account: Account, kept: str, now: datetime) -> tuple[Any, ...]:
    record = account.record
    created_at = record.created_at or now
    has_factor = bool(record.passkeys or (record.factors and record.factors.secret))
    return (
        account.id,
        kept,
        record.is_superuser,
        account.username,
        account.username_key,
        account.email,
        account.email_key,
        record.avatar_url,
        record.language,
        record.is_active,
        record.is_staff,
        created_at,
        record.disowned_at,
        record.disowned_from,
        has_factor,
        record.mailbox_proved_at,
        record.last_visit or created_at,
        record.external_id,
        record.deletion_due_at,
    )


def _extra(identity: Any) -> dict[str, str]:
    extra = {"issuer": identity.issuer, "email": identity.email}
    return {name: value for name, value in extra.items() if value}


def _add_factors(accounts: Sequence[Account]) -> None:
    keys, apps, codes = [], [], []
    for account in accounts:
        for key in account.record.passkeys:
            found = (key.id, account.id, key.name, passkeys.hash_of(key.credential), key.credential)
            keys.append((*found, key.sign_count, key.is_backed_up, key.created_at, key.last_used_at))
        if factors := account.record.factors:
            if factors.secret:
                secret = encryption.encrypt(factors.secret.encode(), totp.PURPOSE)
                apps.append((account.id, secret, factors.created_at, factors.last_step, factors.last_used_at))
            codes += [(account.id, code_hash, factors.codes_made_at) for code_hash in factors.code_hashes]
    bulk.insert(Passkey, PASSKEY, keys)
    bulk.insert(TotpFactor, FACTOR, apps)
    bulk.insert(RecoveryCode, CODE, codes)


def _add_to_groups(accounts: Sequence[Account]) -> None:
    wanted = {name for account in accounts for name in account.record.groups}
    if not wanted:
        return
    ids = dict(Group.objects.filter(name__in=wanted).values_list("name", "pk"))
    rows = [(account.id, ids[name]) for account in accounts for name in account.record.groups if name in ids]
    bulk.insert(User.groups.through, "user_id, group_id", rows)
