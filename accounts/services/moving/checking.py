"""Checks accounts that move in: the rules of registration, and whether other accounts have their names."""

import sqlite3
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from secrets import token_hex

from django.conf import settings

from accounts.core.errors import AccountError
from accounts.models import Passkey, Session, User
from accounts.models.user import canonical
from accounts.services import identities, names
from accounts.services.factors import passkeys
from accounts.services.moving import hashes
from accounts.services.moving.hashes import Hash, HashRefusedError
from accounts.services.moving.records import Record, Refusal, UnreadableError

LONGEST_EXTERNAL_ID = 255


class OnConflict(StrEnum):
    """What to do with an account that exists already, and with one whose name or address another account has.

    SKIP leaves out both. FAIL leaves out the first and stops at the second. UPDATE updates the first, unless somebody
    has logged in to it here, and leaves out the second.
    """

    SKIP = "skip"
    UPDATE = "update"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """Options for accounts that do not fit.

    may_rename: an account whose username is not allowed or is taken gets another one. drops_unknown_hashes: an account
    whose hash is refused moves in without a password.
    """

    on_conflict: OnConflict = OnConflict.FAIL
    may_rename: bool = False
    drops_unknown_hashes: bool = False


@dataclass(slots=True, kw_only=True)
class Account:
    """A record that passed the rules. hash: None without a password.

    has_new_id, has_made_name: whether the id and the username were made here.
    """

    record: Record
    id: uuid.UUID
    username: str
    username_key: str
    email: str
    email_key: str
    hash: Hash | None
    has_new_id: bool
    has_made_name: bool
    may_rename: bool


@dataclass(slots=True, frozen=True)
class Known:
    """An existing account."""

    id: uuid.UUID
    external_id: str
    username_key: str
    email_key: str


@dataclass(kw_only=True)
class Plan:
    """What will be done with some accounts. conflicts, refused: the place in the source, and the reason."""

    added: list[Account] = field(default_factory=list)
    updated: list[tuple[Account, uuid.UUID]] = field(default_factory=list)
    present: int = 0
    conflicts: list[Refusal] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


class Seen:
    """The names of accounts that a dry run has checked and not written, kept on disk."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute("CREATE TABLE seen (key TEXT PRIMARY KEY, place TEXT) WITHOUT ROWID")

    def find(self, key: str) -> str | None:
        """The place where this name was seen before."""
        row = self._database.execute("SELECT place FROM seen WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    def add(self, keys: Sequence[str], where: str) -> None:
        self._database.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", [(key, where) for key in keys])


@contextmanager
def remembering() -> Iterator[Seen]:
    # An empty name makes a temporary file, which SQLite deletes when it is closed.
    with closing(sqlite3.connect("")) as database:
        yield Seen(database)


def check(records: Sequence[Record], *, wishes: Wishes, seen: Seen | None = None) -> Plan:
    """Decides what will be done with these accounts. seen: names of the same source that were not written."""
    plan = Plan()
    accounts = []
    for record in records:
        try:
            accounts.append(_account(record, wishes, plan))
        except AccountError as refusal:
            plan.refused.append(Refusal(record.where, " ".join(refusal.reasons) or f"{refusal.code.value}"))
        except (HashRefusedError, UnreadableError) as refusal:
            plan.refused.append(Refusal(record.where, str(refusal)))
    there = _There(accounts)
    for account in accounts:
        _decide(account, there, plan, wishes, seen)
    if wishes.on_conflict is OnConflict.UPDATE:
        _leave_those_who_logged_in(plan)
    return plan


def _account(record: Record, wishes: Wishes, plan: Plan) -> Account:
    """Raises AccountError and HashRefusedError for values that are not allowed."""
    email = names.clean_email(record.email)
    email_key = canonical(email)
    username, made = record.username.strip(), False
    # Many Django projects use the address as the username.
    if not username or canonical(username) == email_key:
        username, made = names.username_from(email), True
    else:
        try:
            username = names.clean_username(username)
            if not record.is_staff and not record.is_superuser:
                names.check_not_reserved(username)
        except AccountError:
            if not wishes.may_rename:
                raise
            username, made = names.username_from(email), True
    if len(record.external_id) > LONGEST_EXTERNAL_ID:
        raise UnreadableError(f"the id has more than {LONGEST_EXTERNAL_ID} letters")
    if any(max(len(each.subject), len(each.provider)) > identities.LONGEST_SUBJECT for each in record.identities):
        raise UnreadableError(f"the id at a provider has more than {identities.LONGEST_SUBJECT} letters")
    _take_once(record)
    try:
        record.avatar_url = names.clean_avatar_url(record.avatar_url)
    except AccountError:
        record.avatar_url = ""
        record.left_out.append("an avatar URL that is not allowed")
    if record.language not in dict(settings.LANGUAGES):
        record.language = settings.LANGUAGE_CODE
    return Account(
        record=record,
        id=record.id or uuid.uuid4(),
        username=username,
        username_key=canonical(username),
        email=email,
        email_key=email_key,
        hash=_hash(record, wishes),
        has_new_id=record.id is None,
        has_made_name=made,
        may_rename=made or wishes.may_rename,
    )


def _take_once(record: Record) -> None:
    """Removes duplicates, which would violate a unique constraint."""
    named = {(each.provider, each.subject): each for each in record.identities if each.subject}
    record.identities = list(named.values())
    record.passkeys = list({each.credential: each for each in record.passkeys}.values())
    record.groups = sorted(set(record.groups))


def _hash(record: Record, wishes: Wishes) -> Hash | None:
    # Django writes "!" and random characters if there is no password.
    if not record.password or record.password.startswith("!"):
        return None
    try:
        return hashes.read(record.password)
    except HashRefusedError:
        if not wishes.drops_unknown_hashes:
            raise
    record.left_out.append("a password whose hash is not taken")
    return None


class _There:
    """Which values of these accounts are taken. A look-up returns a Known, or the place where the value was seen."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self.ids = self._found("id", [account.id for account in accounts if not account.has_new_id])
        self.external_ids = self._found("external_id", [each.record.external_id for each in accounts])
        self.usernames = self._found("username_key", [account.username_key for account in accounts])
        self.emails = self._found("email_key", [account.email_key for account in accounts])
        wanted = [(each.provider, each.subject) for account in accounts for each in account.record.identities]
        self.identities = dict.fromkeys(identities.find_taken(wanted), "there")
        credentials = [passkeys.hash_of(each.credential) for account in accounts for each in account.record.passkeys]
        kept = Passkey.objects.filter(credential_hash__in=credentials) if credentials else Passkey.objects.none()
        self.passkeys = dict.fromkeys(kept.values_list("credential_hash", flat=True), "there")

    @staticmethod
    def _found(column: str, wanted: Sequence[object]) -> dict[object, Known | str]:
        wanted = [each for each in wanted if each]
        if not wanted:
            return {}
        rows = User.objects.filter(**{f"{column}__in": wanted}).order_by()
        known = (Known(*row) for row in rows.values_list("id", "external_id", "username_key", "email_key"))
        return {getattr(each, column): each for each in known}

    def add(self, account: Account) -> None:
        where = account.record.where
        self.ids[account.id] = where
        if account.record.external_id:
            self.external_ids[account.record.external_id] = where
        self.usernames[account.username_key] = where
        self.emails[account.email_key] = where
        for identity in account.record.identities:
            self.identities[identity.provider, identity.subject] = where
        for each in account.record.passkeys:
            self.passkeys[passkeys.hash_of(each.credential)] = where


def _decide(account: Account, there: _There, plan: Plan, wishes: Wishes, seen: Seen | None) -> None:
    record = account.record
    same = there.ids.get(account.id) or there.external_ids.get(record.external_id)
    if isinstance(same, Known) and same.id != account.id and not _is_same(account, same):
        plan.conflicts.append(
            Refusal(record.where, f"another account has the external id {record.external_id}: {same.id}")
        )
        return
    if isinstance(same, Known) and wishes.on_conflict is not OnConflict.UPDATE:
        plan.present += 1
        return
    if isinstance(same, str):
        plan.conflicts.append(Refusal(record.where, f"the same id as at {same}"))
        return
    if account.may_rename and account.username_key in there.usernames:
        # A user keeps the name that they have here.
        account.has_made_name = True
        _rename(account)
    reason = _collision(account, there, same) or (seen and _seen_collision(account, seen))
    if reason:
        plan.conflicts.append(Refusal(record.where, reason))
        return
    there.add(account)
    if seen is not None:
        seen.add(_keys(account), record.where)
    plan.left_out.update(record.left_out)
    if isinstance(same, Known):
        plan.updated.append((account, same.id))
    else:
        plan.added.append(account)


def _is_same(account: Account, known: Known) -> bool:
    """Whether an account with the same external id is the same account. Another source may use the same numbers."""
    return account.email_key == known.email_key or (
        not account.has_made_name and account.username_key == known.username_key
    )


def _rename(account: Account) -> None:
    account.username = f"{account.username[: names.LONGEST_USERNAME - 7]}-{token_hex(3)}"
    account.username_key = canonical(account.username)


def _collision(account: Account, there: _There, same: Known | None) -> str:
    found: tuple[tuple[str, Known | str | None], ...] = (
        ("the address", there.emails.get(account.email_key)),
        ("the username", there.usernames.get(account.username_key)),
    )
    for what, owner in found:
        if isinstance(owner, str):
            return f"{what} is the same as at {owner}"
        if owner is not None and (same is None or owner.id != same.id):
            return f"another account has {what}: {owner.id}"
    if same is not None:
        return ""
    for identity in account.record.identities:
        if (identity.provider, identity.subject) in there.identities:
            return f"another account has the identity at {identity.provider}"
    if any(passkeys.hash_of(each.credential) in there.passkeys for each in account.record.passkeys):
        return "another account has the passkey"
    return ""


def _seen_collision(account: Account, seen: Seen) -> str:
    for key in _keys(account):
        if where := seen.find(key):
            what = {"@": "the address", "u": "the username"}.get(key[0], "the id")
            return f"{what} is the same as at {where}"
    return ""


def _keys(account: Account) -> list[str]:
    keys = [f"@{account.email_key}"]
    if not account.may_rename:
        keys.append(f"u{account.username_key}")
    if not account.has_new_id:
        keys.append(f"i{account.id}")
    if account.record.external_id:
        keys.append(f"x{account.record.external_id}")
    return keys


def _leave_those_who_logged_in(plan: Plan) -> None:
    """Values that a user has set here, above all a password, are newer than those of the source."""
    ids = [known_id for _account, known_id in plan.updated]
    have_been_here = set(Session.objects.filter(user__in=ids).values_list("user_id", flat=True))
    left = [account for account, known_id in plan.updated if known_id in have_been_here]
    plan.present += len(left)
    plan.left_out.update({"news of an account that was logged in to here": len(left)} if left else {})
    plan.updated = [pair for pair in plan.updated if pair[1] not in have_been_here]
