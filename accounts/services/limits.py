"""Named limits: how often an act may be done, counted by account, name or IP address (contract, Limits).

A try is counted before it is checked, in one atomic step. So of several tries at the same moment, no more are checked
than the limit allows. A try that turns out to be no offence is given back. The counts are in Redis if CACHE_URL names
one, otherwise in the database. If Redis does not answer, the database counts instead.

Windows begin at the same moment for everybody: a limit for an hour counts from one full hour to the next.
"""

import hashlib
import logging
import math
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django.db import connection
from django.db.models import F
from redis import Redis, RedisError

from accounts.core import clock, metrics
from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import LimitCounter

logger = logging.getLogger(__name__)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Limit:
    """setting: the name of the setting with the allowed number. window: the time in which tries are counted."""

    setting: str
    window: timedelta

    @property
    def most(self) -> int:
        return conf.limit(self.setting)


# Counted by account, or by the canonical name if no account has it.
WRONG_PASSWORDS_PER_HOUR = Limit(setting="WRONG_PASSWORDS_PER_HOUR", window=HOUR)
WRONG_PASSWORDS_PER_DAY = Limit(setting="WRONG_PASSWORDS_PER_DAY", window=DAY)
FACTOR_CHANGES_PER_HOUR = Limit(setting="FACTOR_CHANGES_PER_HOUR", window=HOUR)
WRONG_FACTORS_PER_HOUR = Limit(setting="WRONG_FACTORS_PER_HOUR", window=HOUR)
GUESSING_NOTICES_PER_DAY = Limit(setting="GUESSING_NOTICES_PER_DAY", window=DAY)
# Counted by mailbox.
WRONG_CODES_PER_DAY = Limit(setting="WRONG_CODES_PER_DAY", window=DAY)
MAILS_PER_HOUR = Limit(setting="MAILS_PER_HOUR", window=HOUR)
MAILS_PER_DAY = Limit(setting="MAILS_PER_DAY", window=DAY)
# Counted by the address of the client, all within an hour.
WRONG_PASSWORDS_PER_IP = Limit(setting="WRONG_PASSWORDS_PER_IP", window=HOUR)
WRONG_KEYS_PER_IP = Limit(setting="WRONG_KEYS_PER_IP", window=HOUR)
REGISTRATIONS_PER_IP = Limit(setting="REGISTRATIONS_PER_IP", window=HOUR)
RESETS_PER_IP = Limit(setting="RESETS_PER_IP", window=HOUR)
RESENDS_PER_IP = Limit(setting="RESENDS_PER_IP", window=HOUR)
CODES_PER_IP = Limit(setting="CODES_PER_IP", window=HOUR)

_ENDS_AT = LimitCounter._meta.get_field("ends_at")

# A limit, and the key under which it is counted: an account's id, a canonical name or an address.
Counted = tuple[Limit, str]


class LimitReached(AccountError):
    """A refusal because of these limits."""

    def __init__(self, limits: Collection[Limit], *, retry_after: int) -> None:
        super().__init__(ErrorCode.RATE_LIMITED, data={"retry_after": retry_after})
        self.limits = frozenset(limits)


def by_place(limit: Limit, context: ClientContext) -> tuple[Counted, ...]:
    """`limit`, counted by the client's place; nothing if the place is unknown or the client is trusted."""
    return ((limit, context.place),) if context.place and not context.is_trusted else ()


def by_mailbox(email_key: str, context: ClientContext) -> tuple[Counted, ...]:
    """The limits of mail to one mailbox. All kinds of mail share them, except security notices."""
    return () if context.is_trusted else ((MAILS_PER_HOUR, email_key), (MAILS_PER_DAY, email_key))


def check(*counted: Counted) -> None:
    """Raises AccountError(RATE_LIMITED) if one of the limits is used up. Counts nothing."""
    if conf.rate_limits_are_on and counted:
        now = clock.now()
        _refuse_beyond(counted, [hits + 1 for hits in _hits(counted, now)], now)


def used_up(*counted: Counted) -> list[datetime | None]:
    """The time until which each of these limits refuses; None for a limit that does not. Counts nothing."""
    if not (conf.rate_limits_are_on and counted):
        return [None] * len(counted)
    now = clock.now()
    return _ends(counted, _hits(counted, now), now)


def forget(*counted: Counted) -> None:
    """Sets these counts to zero, in Redis and in the database."""
    now = clock.now()
    keys = [_key(limit, of, now) for limit, of in counted]
    if conf.redis_url and keys:
        try:
            _redis(conf.redis_url).delete(*(f"accounts:limit:{key}" for key in keys))
        except RedisError as error:
            logger.warning("Redis does not answer; its counts stay", extra={"error": type(error).__name__})
    LimitCounter.objects.filter(pk__in=keys).delete()


def take(*counted: Counted) -> list[datetime | None]:
    """Counts one try under each of `counted`. Called outside of transactions, which could undo the count.

    Returns for each of them until when it refuses the next try; None if it does not.

    Raises AccountError(RATE_LIMITED) with `retry_after` in seconds if one of the limits is used up; then the try is
    counted under none of them.
    """
    if not (conf.rate_limits_are_on and counted):
        return [None] * len(counted)
    now = clock.now()
    hits = _count(counted, 1, now)
    try:
        _refuse_beyond(counted, hits, now)
    except AccountError:
        _count(counted, -1, now)
        raise
    return _ends(counted, hits, now)


def give_back(*counted: Counted) -> None:
    """Gives back a try that was no offence."""
    if conf.rate_limits_are_on and counted:
        _count(counted, -1, clock.now())


@dataclass
class Attempt:
    """One try at a code. is_right: set by the caller; a right try is not counted."""

    is_right: bool = True


@contextmanager
def one_try(*counted: Counted) -> Iterator[Attempt]:
    """Counts one try, and gives it back at the end of the block if it was right; entered outside of transactions.

    Raises AccountError(RATE_LIMITED) if one of the limits is used up.
    """
    take(*counted)
    attempt = Attempt()
    try:
        yield attempt
    finally:
        if attempt.is_right:
            give_back(*counted)


@contextmanager
def given_back_after_a_refusal(*counted: Counted) -> Iterator[None]:
    """Gives back these tries if the block raises an AccountError, because then the act is not done."""
    try:
        yield
    except AccountError:
        give_back(*counted)
        raise


def probe_redis() -> list[int]:
    """The count of Redis after two tries under a new name; raises RedisError."""
    now = clock.now()
    counts = [(f"probe:{secrets.token_hex(8)}", now)]
    return [_count_in_redis(counts, 1, now)[0] for _try in range(2)]


def _ends(counted: Sequence[Counted], hits: list[int], now: datetime) -> list[datetime | None]:
    return [_end(limit, now) if hit >= limit.most else None for (limit, _of), hit in zip(counted, hits, strict=True)]


def _refuse_beyond(counted: Sequence[Counted], hits: list[int], now: datetime) -> None:
    reached = [limit for (limit, _of), hit in zip(counted, hits, strict=True) if hit > limit.most]
    if reached:
        for limit in reached:
            metrics.LIMITS_REACHED.labels(limit.setting).inc()
        seconds = math.ceil((max(_end(limit, now) for limit in reached) - now).total_seconds())
        raise LimitReached(reached, retry_after=max(1, seconds))


def _count(counted: Sequence[Counted], number: int, now: datetime) -> list[int]:
    """Adds `number`, which may be negative, to each count, and returns the new counts."""
    counts = [(_key(limit, of, now), _end(limit, now)) for limit, of in counted]
    if conf.redis_url:
        try:
            return _count_in_redis(counts, number, now)
        except RedisError as error:
            logger.warning("Redis does not answer; the database counts", extra={"error": type(error).__name__})
    return _count_in_database(counts, number)


def _hits(counted: Sequence[Counted], now: datetime) -> list[int]:
    """The value of each count."""
    keys = [_key(limit, of, now) for limit, of in counted]
    if conf.redis_url:
        try:
            found = _redis(conf.redis_url).mget([f"accounts:limit:{key}" for key in keys])
            return [int(hits or 0) for hits in found]
        except RedisError as error:
            logger.warning("Redis does not answer; the database counts", extra={"error": type(error).__name__})
    in_database = dict(LimitCounter.objects.filter(pk__in=keys).values_list("key", "hits"))
    return [in_database.get(key, 0) for key in keys]


def _count_in_redis(counts: list[tuple[str, datetime]], number: int, now: datetime) -> list[int]:
    with _redis(conf.redis_url).pipeline(transaction=True) as pipeline:
        for key, ends_at in counts:
            pipeline.incrby(f"accounts:limit:{key}", number)
            pipeline.expire(f"accounts:limit:{key}", math.ceil((ends_at - now).total_seconds()) + 1)
        return [int(answer) for answer in pipeline.execute()[::2]]


def _count_in_database(counts: list[tuple[str, datetime]], number: int) -> list[int]:
    counters = LimitCounter.objects.filter(pk__in=[key for key, _ends_at in counts])
    if number < 0:
        counters.filter(hits__gt=0).update(hits=F("hits") + number)
        # Refused tries leave no count.
        counters.filter(hits=0).delete()
        return []
    # Always in the same order, so that two tries never deadlock.
    rows = [(key, number, _ENDS_AT.get_db_prep_value(ends_at, connection)) for key, ends_at in sorted(counts)]
    places = ", ".join(["(%s, %s, %s)"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO accounts_limitcounter (key, hits, ends_at) VALUES {places}
            ON CONFLICT (key) DO UPDATE SET hits = accounts_limitcounter.hits + excluded.hits
            RETURNING key, hits
            """,  # noqa: S608
            [value for row in rows for value in row],
        )
        hits = dict(cursor.fetchall())
    return [hits[key] for key, _ends_at in counts]


def _end(limit: Limit, now: datetime) -> datetime:
    seconds = int(limit.window.total_seconds())
    return datetime.fromtimestamp((int(now.timestamp()) // seconds + 1) * seconds, UTC)


def _key(limit: Limit, of: str, now: datetime) -> str:
    """The name of a count. Its length does not depend on the typed text."""
    return hashlib.sha256(f"{limit.setting}\0{of}\0{_end(limit, now).timestamp():.0f}".encode()).hexdigest()


@lru_cache(maxsize=2)
def _redis(url: str) -> Redis:
    """This process's connections to Redis. A hanging one is given up after a second."""
    return Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
