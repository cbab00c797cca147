"""Rows of users of Django, FastAPI Users and Supabase, from their databases or a file."""

from datetime import UTC, datetime

from accounts.services.moving.providers import Names
from accounts.services.moving.records import (
    Identity,
    Record,
    UnreadableError,
    Values,
    as_uuid,
    mapping,
    mapping_or_text,
    mappings,
    moment,
    text,
    truth,
)


def django(where: str, values: Values, names: Names) -> Record | None:
    """A row of auth_user or of a similar table, or an object of dumpdata; None for a dumped object that is no user."""
    if "model" in values and "fields" in values:
        if not text(values, "model").lower().endswith("user"):
            return None
        values = {"id": values.get("pk"), **mapping(values, "fields")}
    old_id = text(values, "id")
    addresses = mappings(values, "allauth_addresses")
    primary = next((each for each in addresses if truth(each, "primary")), None)
    email = text(values, "email").strip() or (text(primary, "email") if primary else "")
    own = [each for each in addresses if text(each, "email").lower() == email.lower()]
    record = Record(
        where=where,
        id=as_uuid(old_id),
        external_id=old_id or email,
        username=text(values, "username"),
        email=email,
        password=text(values, "password"),
        verified=any(truth(each, "verified") for each in own) or truth(values, "email_verified"),
        is_active=truth(values, "is_active", True),
        is_staff=truth(values, "is_staff"),
        is_superuser=truth(values, "is_superuser"),
        created_at=moment(values, "date_joined") or moment(values, "created_at"),
        last_visit=moment(values, "last_login"),
    )
    for each in mappings(values, "allauth_accounts"):
        record.identities.append(
            Identity(
                provider=names.ours(text(each, "provider")),
                subject=text(each, "uid"),
                connected_at=moment(each, "date_joined"),
                used_at=moment(each, "last_login"),
            )
        )
    record.left_out += ["a second address of the same user"] * (len(addresses) - len(own))
    return record


def fastapi_users(where: str, values: Values, names: Names) -> Record:
    old_id, email = text(values, "id"), text(values, "email")
    record = Record(
        where=where,
        id=as_uuid(old_id),
        external_id=old_id or email,
        username=text(values, "username"),
        email=email,
        password=text(values, "hashed_password"),
        verified=truth(values, "is_verified"),
        is_active=truth(values, "is_active", True),
        is_superuser=truth(values, "is_superuser"),
        created_at=moment(values, "created_at"),
    )
    for each in mappings(values, "oauth_accounts"):
        provider, subject = names.ours(text(each, "oauth_name")), text(each, "account_id")
        record.identities.append(Identity(provider=provider, subject=subject, email=text(each, "account_email")))
    return record


def supabase(where: str, values: Values, names: Names) -> Record:
    if text_of_time(values, "deleted_at"):
        raise UnreadableError("deleted at Supabase")
    old_id, email = text(values, "id"), text(values, "email")
    banned_until = moment(values, "banned_until")
    record = Record(
        where=where,
        id=as_uuid(old_id),
        external_id=old_id or email,
        email=email,
        password=text(values, "encrypted_password"),
        verified=bool(text_of_time(values, "email_confirmed_at") or text_of_time(values, "confirmed_at")),
        is_active=banned_until is None or banned_until < datetime.now(UTC),
        created_at=moment(values, "created_at"),
        last_visit=moment(values, "last_sign_in_at"),
        avatar_url=text(mapping_or_text(values, "raw_user_meta_data"), "avatar_url"),
    )
    # Before 2023, the column provider_id was called id.
    listed = mappings(values, "identities")
    record.identities = names.identities(listed, "provider", "provider_id", "id", without=("email", "phone"))
    if text(values, "phone"):
        record.left_out.append("a phone number")
    return record


def text_of_time(values: Values, name: str) -> str:
    """A time as text, without a check; "" for null."""
    value = values.get(name)
    return "" if value is None else str(value)
