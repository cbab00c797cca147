from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice

from django.db import IntegrityError, transaction

from accounts.core import clock
from accounts.core.context import ClientContext
from accounts.models import User
from accounts.services import audit, hash_times, mail
from accounts.services.moving import checking, looks, writing
from accounts.services.moving.checking import OnConflict, Plan, Wishes
from accounts.services.moving.records import Record, Refusal

# The number of accounts in one transaction.
BATCH = 2_000
# How often a batch is checked again if somebody registers with one of its names at the same moment.
ATTEMPTS = 3


@dataclass(kw_only=True)
class Imported:
    """How many accounts of a part of a source were added, were updated, and existed already.

    conflicts: accounts whose name or id another account has. refused: accounts that are not accepted. Each has its
    reason. alike: added accounts whose username looks like another one. left_out: what was not moved with the accounts,
    and how often. stopped: the rest was not checked.
    """

    added: int = 0
    updated: int = 0
    present: int = 0
    conflicts: list[Refusal] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    alike: list[Refusal] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    stopped: bool = False


def import_users(
    *,
    records: Iterable[Record | Refusal],
    wishes: Wishes,
    source: str,
    is_dry: bool = False,
    sends_reset: bool = False,
    context: ClientContext,
) -> Iterator[Imported]:
    """Moves accounts in, BATCH after batch, and yields the result of each batch.

    source: the name of the source, for the events. is_dry: only checks the accounts. sends_reset: mails a link to
    choose a password to users who come without one. Each batch is written completely or not at all. A second call with
    the same source goes on after the accounts that exist already.
    """
    with ExitStack() as stack:
        seen = stack.enter_context(checking.remembering()) if is_dry else None
        known_looks = stack.enter_context(looks.remembering_looks())
        waiting = iter(records)
        while batch := list(islice(waiting, BATCH)):
            unreadable = [each for each in batch if isinstance(each, Refusal)]
            accounts = [each for each in batch if isinstance(each, Record)]
            for attempt in range(1, ATTEMPTS + 1):
                plan = checking.check(accounts, wishes=wishes, seen=seen)
                stopped = bool(plan.conflicts) and wishes.on_conflict is OnConflict.FAIL
                if stopped and not is_dry:
                    plan.added, plan.updated = [], []
                alike = known_looks.find(plan.added)
                if stopped or is_dry:
                    break
                try:
                    _write(plan, source, sends_reset, context)
                    break
                except IntegrityError:
                    if attempt == ATTEMPTS:
                        raise
            yield Imported(
                added=len(plan.added),
                updated=len(plan.updated),
                present=plan.present,
                conflicts=plan.conflicts,
                refused=[*unreadable, *plan.refused],
                alike=alike,
                left_out=plan.left_out,
                stopped=stopped and not is_dry,
            )
            if stopped and not is_dry:
                return


def _write(plan: Plan, source: str, sends_reset: bool, context: ClientContext) -> None:
    now = clock.now()
    hashes = writing.hashes_to_keep(plan.added)
    newer = writing.hashes_to_keep([account for account, _known_id in plan.updated])
    kinds = hash_times.measure([*hashes, *newer])
    with transaction.atomic(durable=True):
        hash_times.note(kinds)
        writing.add(plan.added, hashes, now=now)
        for (account, known_id), kept in zip(plan.updated, newer, strict=True):
            writing.update(account, known_id, kept)
        audit.record_imports([account.id for account in plan.added], context, detail=source)
        audit.record_imports([known_id for _account, known_id in plan.updated], context, detail=f"{source}, updated")
        if sends_reset:
            without = [account.id for account in plan.added if account.hash is None]
            for user in User.objects.with_address().filter(pk__in=without, is_active=True):
                mail.password_reset(user, context)
