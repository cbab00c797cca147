"""An account of another system, in one form for all formats; and helpers that read the values of a format."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

# Longer than any name, address, hash or id that could be accepted.
LONGEST_TEXT = 2000
# A smaller number is seconds since 1970, a greater one milliseconds.
MILLISECONDS_FROM = 10**11


class UnreadableError(ValueError):
    """An account cannot be read; the text says which part."""


@dataclass(slots=True, kw_only=True)
class Identity:
    """A user's identity at another provider. provider: our id of the provider."""

    provider: str
    subject: str
    issuer: str = ""
    email: str = ""
    connected_at: datetime | None = None
    used_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class MovedPasskey:
    id: uuid.UUID
    name: str
    credential: bytes
    sign_count: int
    is_backed_up: bool
    created_at: datetime
    last_used_at: datetime


@dataclass(slots=True, kw_only=True)
class MovedFactors:
    """secret: of the authenticator app, in Base32; "" without one. code_hashes: of recovery codes made together."""

    secret: str
    created_at: datetime
    last_used_at: datetime
    last_step: int
    code_hashes: list[str]
    codes_made_at: datetime


@dataclass(slots=True, kw_only=True)
class Record:
    """where: the line, or another value that identifies the account in the source.

    id: will be the account's id; None for a new one. password: the hash as the source has it; "" for none. left_out:
    what the account does not keep here, each in a few words.
    """

    where: str
    email: str
    id: uuid.UUID | None = None
    external_id: str = ""
    username: str = ""
    password: str = ""
    verified: bool = False
    is_active: bool = True
    is_staff: bool = False
    is_superuser: bool = False
    created_at: datetime | None = None
    last_visit: datetime | None = None
    avatar_url: str = ""
    language: str = ""
    identities: list[Identity] = field(default_factory=list)
    # Values that only our own format has.
    mailbox_proved_at: datetime | None = None
    disowned_at: datetime | None = None
    disowned_from: datetime | None = None
    deletion_due_at: datetime | None = None
    groups: list[str] = field(default_factory=list)
    passkeys: list[MovedPasskey] = field(default_factory=list)
    factors: MovedFactors | None = None
    left_out: list[str] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Refusal:
    """A part of the source that cannot be read as an account, and the reason."""

    where: str
    reason: str


Values = Mapping[str, Any]


def text(values: Values, name: str) -> str:
    """A text, or a number as text; "" for null or a missing value."""
    value = values.get(name)
    if value is None:
        return ""
    if isinstance(value, uuid.UUID) or (isinstance(value, int) and not isinstance(value, bool)):
        value = str(value)
    if not isinstance(value, str):
        raise UnreadableError(f"{name} is no text")
    if len(value) > LONGEST_TEXT:
        raise UnreadableError(f"{name} has more than {LONGEST_TEXT:,} letters")
    if "\0" in value:
        raise UnreadableError(f"{name} has a NUL")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UnreadableError(f"{name} is not UTF-8") from None
    return value


_TRUTHS = {"true": True, "t": True, "1": True, "yes": True, "false": False, "f": False, "0": False, "no": False}


def truth(values: Values, name: str, default: bool = False) -> bool:
    value = values.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool):
        return value
    found = _TRUTHS.get(str(value).strip().lower())
    if found is None:
        raise UnreadableError(f"{name} is neither true nor false")
    return found


def moment(values: Values, name: str) -> datetime | None:
    """A time: ISO 8601 (in UTC without a zone), or seconds or milliseconds since 1970."""
    value = values.get(name)
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str) and value.strip().isdigit():
            value = int(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value >= MILLISECONDS_FROM else value, UTC)
        at = value if isinstance(value, datetime) else datetime.fromisoformat(_as_iso(value))
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return at.astimezone(UTC)
    except (ValueError, OverflowError, OSError, TypeError, AttributeError):
        raise UnreadableError(f"{name} is no time") from None


def _as_iso(value: str) -> str:
    """PostgreSQL ends a time with "+00", Supabase's console with " UTC"."""
    value = value.strip()
    if value.endswith(" UTC"):
        value = value.removesuffix(" UTC").removesuffix(" +0000")
        return value + "+00:00"
    return value


def as_uuid(value: str) -> uuid.UUID | None:
    """A UUID with or without hyphens; None for any other id."""
    if len(value) not in (32, 36):
        return None
    try:
        return uuid.UUID(value)
    except ValueError:
        return None


def mapping(values: Values, name: str) -> Values:
    """An object within an object; an empty one for null."""
    value = values.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UnreadableError(f"{name} is no object")
    return value


def parsed(value: str, name: str) -> Any:
    """The content of the JSON text `value`; None for an empty text. name: for the message of UnreadableError."""
    if not value:
        return None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise UnreadableError(f"{name} is no JSON") from None


def mapping_or_text(values: Values, name: str) -> Values:
    """An object within an object, or one that is written as JSON in a text."""
    value = values.get(name)
    return mapping({name: parsed(value, name)} if isinstance(value, str) else values, name)


def mappings(values: Values, name: str) -> list[Values]:
    """A list of objects; an empty one for null."""
    value = values.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise UnreadableError(f"{name} is no list of objects")
    return value
