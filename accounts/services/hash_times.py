"""How long a wrong password takes while users have hashes of other systems.

Such a hash may take many times as long as ours, or less. A wrong password waits until the slowest kind of hash that is
stored would have been verified. So its time does not tell which hash an account has, or whether there is an account.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from random import SystemRandom

from django.contrib.auth.hashers import make_password, verify_password
from django.db.models import Max

from accounts.models import HashKind, User
from accounts.models.user import HAS_FOREIGN_HASH, OWN_HASHES
from accounts.services import pauses
from accounts.services.hashers import from_base64

# A worker reads the slowest kind at most so often, in seconds.
WORKER_CACHE = 60
# A hash takes longer on a busy core, or on a machine that is slower than the one that measured it.
MARGIN = 1.5
# In seconds. A processor that was idle for longer answers some milliseconds later. A random wait hides them.
LONGEST_JITTER = 0.1
ROUNDS = 3
# How many kinds of one algorithm are measured. The others take as long as the slowest of these.
MOST_KINDS = 50

# What a hash raises whose algorithm is known, and whose rest cannot be read.
UNREADABLE = (AssertionError, ArithmeticError, TypeError, ValueError)

_measured: dict[str, float] = {}
# The seconds of the slowest kind, and when they were read.
_slowest: tuple[float, float] | None = None


def named(stored: str) -> str:
    """A stored hash with the name of its algorithm before it, as Django has it."""
    # Other packages store these hashes without the name.
    return ("bcrypt$" if stored.startswith("$2") else "argon2" if stored.startswith("$argon2") else "") + stored


def is_foreign(stored: str) -> bool:
    """Whether this is a hash of another system."""
    return not stored.startswith((OWN_HASHES, "!"))


def measure(hashes: Iterable[str]) -> dict[str, float]:
    """The seconds of each kind among these hashes that is not ours. Called outside of transactions: it takes time."""
    examples: dict[str, str] = {}
    for stored in hashes:
        if is_foreign(stored):
            examples.setdefault(_kind_of(stored), stored)
    known = Counter(map(_algorithm, _measured))
    found = {}
    for kind, stored in examples.items():
        algorithm = _algorithm(kind)
        if kind not in _measured and known[algorithm] >= MOST_KINDS:
            kind = algorithm
            _measured[kind] = max(taken for each, taken in _measured.items() if _algorithm(each) == algorithm)
        elif kind not in _measured:
            _measured[kind] = min(_seconds(stored) for _round in range(ROUNDS))
            known[algorithm] += 1
        found[kind] = _measured[kind]
    return found


def note(kinds: Mapping[str, float]) -> None:
    """Writes that users have hashes of these kinds; called in the transaction that writes the users, before them."""
    rows = [HashKind(kind=kind, seconds=seconds) for kind, seconds in sorted(kinds.items())]
    # The update locks the row, so that no purge forgets the kind before the users are there.
    HashKind.objects.bulk_create(rows, update_conflicts=True, unique_fields=["kind"], update_fields=["seconds"])


def forget_unused() -> int:
    """Deletes the kinds of which no user has a hash any more, and returns their number; called in a transaction."""
    kinds = HashKind.objects.select_for_update(skip_locked=True).order_by("kind")
    unused = [each.kind for each in kinds if not _is_stored(each.kind)]
    return HashKind.objects.filter(kind__in=unused).delete()[0]


def wait(*, since: float) -> None:
    """Waits until the slowest kind would have been verified, and a random moment more.

    since: when it would have begun, by time.monotonic().
    """
    if slowest := _read():
        pauses.pause_until(since + slowest * MARGIN + SystemRandom().uniform(0, LONGEST_JITTER))


def forget() -> None:
    """Empties this worker's cache."""
    global _slowest
    _slowest = None
    _measured.clear()


def _read() -> float:
    """The seconds of the slowest kind; 0 if no user has a hash of another system."""
    global _slowest
    if _slowest is None or time.monotonic() - _slowest[1] > WORKER_CACHE:
        seconds = HashKind.objects.aggregate(slowest=Max("seconds"))["slowest"]
        _slowest = seconds or 0, time.monotonic()
    return _slowest[0]


def _seconds(stored: str) -> float:
    """How long the right password of such a hash takes, which is then replaced by ours."""
    # The time of the processor: an import has a low priority, and would wait for it on a busy machine.
    began = time.process_time()
    with suppress(*UNREADABLE):
        verify_password("no password of anybody", named(stored))
    make_password("no password of anybody")
    return time.process_time() - began


def _kind_of(stored: str) -> str:
    """The hash without salt and result; of phpass within Argon2id with the letter that says how many rounds it has."""
    parts = stored.split("$")
    if parts[0] == "scrypt":
        # Django writes r and p behind the salt.
        return "$".join((*parts[:2], *parts[3:5]))
    if parts[0] == "wrapped":
        return "$".join(parts[:2]) + (f"${from_base64(parts[2])[3:4].decode()}" if parts[1] == "phpass" else "")
    # bcrypt writes salt and result together.
    return "$".join(parts[: -1 if stored.startswith(("$2", "bcrypt")) else -2])


def _algorithm(kind: str) -> str:
    """The name of the algorithm, with which every hash of this kind begins."""
    if kind.startswith("$"):
        return "$".join(kind.split("$")[:2])
    return kind.partition("$")[0]


def _is_stored(kind: str) -> bool:
    """Whether a user has a hash of this kind."""
    # Of these two, hashes do not begin with all that their kind says.
    beginning = "$".join(kind.split("$")[:2]) if kind.startswith(("scrypt$", "wrapped$")) else kind
    return User.objects.filter(HAS_FOREIGN_HASH, password__startswith=f"{beginning}$").order_by().exists()
