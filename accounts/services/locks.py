"""The locks that keep a user out after too many wrong answers, and their ends. A lock is a limit that is used up."""

from dataclasses import dataclass
from datetime import datetime

from accounts.core import clock
from accounts.core.conf import conf
from accounts.models import Session, User
from accounts.services import limits, users
from accounts.services.limits import Counted

# How many places of a user's logins are checked, the latest first.
MOST_PLACES = 20


@dataclass(frozen=True, kw_only=True)
class Lock:
    """setting: of the limit that is used up. place: the known place where it counts; "" for all other places."""

    setting: str
    place: str
    until: datetime


def of(user: User) -> list[Lock]:
    """The present locks."""
    counted = [(place, each) for place, each in _counted(user)]
    ends = limits.used_up(*(each for _place, each in counted))
    return [
        Lock(setting=limit.setting, place=place, until=end)
        for (place, (limit, _of)), end in zip(counted, ends, strict=True)
        if end is not None
    ]


def open_all(user: User) -> None:
    """Sets every count to zero that may lock the user out; called outside of transactions."""
    limits.forget(*(each for _place, each in _counted(user)))
    User.objects.filter(pk=user.pk).update(locked_until=None)


def _counted(user: User) -> list[tuple[str, Counted]]:
    """The keys of the counts of wrong answers: one for the account, and one for each recent place."""
    since = clock.now() - conf.place_known_for
    logins = Session.objects.filter(user=user, started_at__gt=since).exclude(place="").order_by("-started_at")
    places = ["", *list(dict.fromkeys(logins.values_list("place", flat=True)[:100]))[:MOST_PLACES]]
    found: list[tuple[str, Counted]] = [("", (limits.WRONG_CODES_PER_DAY, user.email_key))]
    for place in places:
        counted_as = users.counted_as(user, known_place=place)
        for limit in (limits.WRONG_PASSWORDS_PER_HOUR, limits.WRONG_PASSWORDS_PER_DAY, limits.WRONG_FACTORS_PER_HOUR):
            found.append((place, (limit, counted_as)))
    return found
