"""Passwords: validate, hash, verify (contract, Accounts; OWASP password storage; NIST SP 800-63B-4 §3.1.1)."""

import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher, make_password, verify_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.core import metrics, worker
from accounts.core.conf import conf
from accounts.core.context import ClientContext
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import User
from accounts.services import hash_times, limits, pauses

LONGEST_PASSWORD = 1024

# Hashing keeps a core busy. One hash at a time in each worker leaves time for other requests and limits the memory.
# More at a time would let a few more people log in, and slow down all other requests.
hash_lock = threading.Lock()
# Hashes of other systems take up to a second. They have a queue of their own, so no other login waits for them.
foreign_hash_lock = threading.Lock()
# Seconds after which a client may try again when too many passwords are waiting.
OVERLOADED_RETRY = 2


class Argon2idHasher(Argon2PasswordHasher):
    """OWASP's parameters for Argon2id."""

    time_cost = 2
    memory_cost = 19456
    parallelism = 1


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """correct: whether it is the password. hash: the hash to store; a new one if the stored hash was outdated.

    locks_until: until when no more of them are looked at, because this wrong one used up the account's limit. began:
    when the request would have begun if nobody else had waited for a hash, by time.monotonic() (see wait_out).
    """

    correct: bool
    hash: str
    locks_until: datetime | None = None
    began: float = 0


def validate(password: str, user: User) -> None:
    """Raises AccountError(PASSWORD_INVALID) with every reason against this password for `user`, who may be unsaved."""
    if len(password) > LONGEST_PASSWORD:
        reason = _("This password is too long. It may have at most %(most)d characters.") % {"most": LONGEST_PASSWORD}
        raise AccountError(ErrorCode.PASSWORD_INVALID, reasons=(reason,))
    try:
        validate_password(_normalise(password), user)
    except ValidationError as error:
        raise AccountError(ErrorCode.PASSWORD_INVALID, reasons=tuple(error.messages)) from None


def check_queue() -> None:
    """Raises AccountError(OVERLOADED) if no more passwords may wait. Called before any other work for a password."""
    _take_place(hash_lock).release()


def make_hash(password: str) -> str:
    with _in_turn(hash_lock):
        return worker.run_apart(make_password, (_normalise(password),))


def verify(password: str, user: User | None) -> Verdict:
    """Compares a password with the user's. Without a user (None), this costs one hash as well.

    Called in a turn of the queue: see prove().
    """
    stored = user.password if user else ""
    encoded = hash_times.named(stored)
    # Longer passwords cannot have been set. Cutting them limits the cost of a guess.
    password = _normalise(password[: LONGEST_PASSWORD + 1])
    # Without a hash to compare with, verify_password still makes one hash.
    try:
        correct, is_outdated = verify_password(password, encoded)
    except hash_times.UNREADABLE:
        make_password(password)
        correct, is_outdated = False, False
    return Verdict(correct=correct, hash=make_password(password) if correct and is_outdated else stored)


def prove(
    password: str, user: User | None, *, counted_as: str, context: ClientContext, since: float | None = None
) -> Verdict:
    """Compares a password with the user's, within the limits of wrong passwords (contract, Limits).

    counted_as: the account, or the typed name if no account has it (see users.counted_as). Raises LimitReached before
    anything is hashed, and AccountError(OVERLOADED). since: when the request began, by time.monotonic(); now by
    default. Who refuses because of the verdict calls wait_out() first. Called outside of transactions: a new hash for
    the right password is stored at once.
    """
    own = (limits.WRONG_PASSWORDS_PER_HOUR, counted_as), (limits.WRONG_PASSWORDS_PER_DAY, counted_as)
    tries = (*own, *limits.by_place(limits.WRONG_PASSWORDS_PER_IP, context))
    # A client without tries left takes no place in the queue.
    limits.check(*tries)
    asked = time.monotonic()
    with _in_turn(foreign_hash_lock if user and hash_times.is_foreign(user.password) else hash_lock):
        began = (since or asked) + time.monotonic() - asked
        # A try is counted in its turn, not earlier. So several people who log in at once with the right password do not
        # look like somebody who guesses.
        ends = limits.take(*tries)
        verdict = worker.run_apart(verify, (password, user))
        if user and not _store_new_hash(verdict, user):
            # Another request has replaced the hash meanwhile, or the password.
            user.password = User.objects.filter(pk=user.pk).values_list("password", flat=True).first() or ""
            verdict = worker.run_apart(verify, (password, user))
        if verdict.correct:
            limits.give_back(*tries)
            return replace(verdict, began=began)
    return replace(verdict, began=began, locks_until=max((end for end in ends[: len(own)] if end), default=None))


def wait_out(verdict: Verdict) -> None:
    """Waits until a refusal is as old as for any other account (see hash_times); called after the transaction."""
    hash_times.wait(since=verdict.began)


def swap(user: User, *, to: str, **also: Any) -> bool:
    """Replaces the hash that was read with `user`, in one statement; False if another request was faster.

    also: further columns to set in the same statement. An inactive account is left unchanged.
    """
    swapped = User.objects.filter(pk=user.pk, password=user.password, is_active=True).update(password=to, **also)
    if swapped:
        user.password = to
    return bool(swapped)


def make_unusable() -> str:
    """A hash that fits no password."""
    return make_password(None)


def put(user: User, *, to: str) -> None:
    """Replaces the hash of `user`, whatever it is now."""
    user.password = to
    user.store("password")


def _store_new_hash(verdict: Verdict, user: User) -> bool:
    """Stores the new hash, if there is one; False if the user has another hash by now than the one that was read."""
    return verdict.hash == user.password or not user.is_active or swap(user, to=verdict.hash)


@contextmanager
def _in_turn(lock: threading.Lock) -> Iterator[None]:
    """Waits until no other password is hashed in this queue. Raises AccountError(OVERLOADED) at once if it is full."""
    places = _take_place(lock)
    try:
        pauses.give_connection_back()
        with metrics.HASHES_WAITING.track_inprogress(), lock:
            yield
    finally:
        places.release()


def _take_place(lock: threading.Lock) -> threading.BoundedSemaphore:
    places = _places(lock, conf.most_waiting_for_a_hash)
    if not places.acquire(blocking=False):
        raise AccountError(ErrorCode.OVERLOADED, data={"retry_after": OVERLOADED_RETRY})
    return places


@lru_cache(maxsize=2)
def _places(lock: threading.Lock, most_waiting: int) -> threading.BoundedSemaphore:
    """The places in one of this worker's queues, including the place of the password that is being hashed."""
    return threading.BoundedSemaphore(most_waiting + 1)


def _normalise(password: str) -> str:
    return unicodedata.normalize("NFC", password)
