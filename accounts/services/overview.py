"""The content of the admin's first page, read with a fixed number of statements that each read few rows."""

import uuid
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import BooleanField, F, Func

from accounts.core.context import place_of
from accounts.models import SecurityEvent, SigningKey, User
from accounts.models.security_event import GUESSES, EventKind
from accounts.services import counts, users

# The most refusals that are read. During an attack, reading more would take long and tell nothing new.
MOST_GUESSES = 5000
GUESSES_OF = timedelta(days=1)
LISTED = 10
HOURS, DAYS = 48, 30

CHARTED = (
    EventKind.REGISTERED,
    EventKind.LOGGED_IN,
    EventKind.LOGIN_FAILED,
    EventKind.PASSWORD_RESET_REQUESTED,
)
GAUGES = (counts.USERS, counts.INACTIVE_USERS, counts.USERS_WITH_FACTOR, counts.LIVE_SESSIONS, *counts.ACTIVE.values())


@dataclass(frozen=True, kw_only=True)
class Series:
    """How often something happened in each hour and on each day (UTC), the oldest first, the present one last."""

    metric: str
    hours: list[tuple[datetime, int]]
    days: list[tuple[datetime, int]]


@dataclass(frozen=True, kw_only=True)
class Account:
    """name: "" until it is looked up."""

    id: uuid.UUID
    name: str
    times: int


@dataclass(frozen=True, kw_only=True)
class Guessing:
    """Who guesses, and at which accounts. looked_at: how many of the refusals within GUESSES_OF were read.

    places: addresses, and /64 networks of IPv6, with how many refusals are theirs.
    """

    looked_at: int
    places: list[tuple[str, int]]
    accounts: list[Account]


def series(now: datetime) -> list[Series]:
    """One series for each of CHARTED, in one statement."""
    hour = counts.hour_of(now)
    hours = [hour - counts.HOUR * back for back in reversed(range(HOURS))]
    today = hour.replace(hour=0)
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    found = counts.read([kind.value for kind in CHARTED], since=min(days[0], hours[0]))
    result = []
    for kind in CHARTED:
        by_hour = found[kind.value]
        by_day: Counter[datetime] = Counter()
        for moment, number in by_hour.items():
            by_day[moment.replace(hour=0)] += number
        result.append(
            Series(
                metric=kind.value,
                hours=[(moment, by_hour.get(moment, 0)) for moment in hours],
                days=[(day, by_day[day]) for day in days],
            )
        )
    return result


def gauges(now: datetime) -> dict[str, int]:
    """The latest values of GAUGES that the worker noted today or yesterday, in one statement."""
    found = counts.read(GAUGES, since=now - timedelta(days=1))
    return {metric: by_hour[max(by_hour)] for metric, by_hour in found.items() if by_hour}


def guessing(now: datetime) -> Guessing:
    """Reads the guesses in one statement, through the index of such events."""
    events = SecurityEvent.objects.filter(_is_guess(), at__gt=now - GUESSES_OF).order_by("-at")
    rows = list(events.values_list("kind", "ip", "user_id")[:MOST_GUESSES])
    tries = [(ip, user_id) for kind, ip, user_id in rows if kind != EventKind.PASSWORD_GUESSED]
    by_ip = Counter(ip for ip, _user_id in tries if ip)
    places: Counter[str] = Counter()
    for ip, number in by_ip.items():
        places[place_of(ip)] += number
    return Guessing(
        looked_at=len(tries),
        places=places.most_common(LISTED),
        accounts=_accounts(Counter(user_id for _ip, user_id in tries if user_id)),
    )


def named(found: Guessing) -> Guessing:
    """The same with the names of the accounts, in one statement. Deleted users are left out."""
    ids = [account.id for account in found.accounts]
    names = dict(User.objects.filter(pk__in=ids).values_list("pk", "username"))
    known = [replace(account, name=names[account.id]) for account in found.accounts if account.id in names]
    return replace(found, accounts=known)


def locked(now: datetime) -> list[User]:
    """LISTED of the users whom wrong passwords lock, the longest locks first; in one statement."""
    return list(User.objects.filter(users.locked(now=now)).order_by("-locked_until")[:LISTED])


def keys(now: datetime) -> list[SigningKey]:
    """The keys whose tokens are accepted, the newest first."""
    return list(SigningKey.objects.verifying(now))


def _is_guess() -> Func:
    """The condition of the index, word for word: with parameters PostgreSQL would not recognise it."""
    kinds = ", ".join(f"'{kind.value}'" for kind in GUESSES)
    return Func(F("kind"), template=f"%(expressions)s IN ({kinds})", output_field=BooleanField())


def _accounts(by_id: Counter[uuid.UUID]) -> list[Account]:
    return [Account(id=user_id, name="", times=times) for user_id, times in by_id.most_common(LISTED)]
