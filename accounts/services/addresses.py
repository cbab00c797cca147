"""The door to allauth's EmailAddress: add, change, restore, verify.

An address is never edited in place. A new row replaces the old one, so that every key that was mailed for the old
address is dead.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from accounts.core import clock
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import FormerAddress, User
from accounts.services import bulk, names, outbox


def add(user: User, *, verified: bool) -> None:
    """Adds allauth's row for the address of a new user."""
    user.address = EmailAddress.objects.create(user=user, email=user.email_key, primary=True, verified=verified)


def insert(rows: Sequence[tuple[uuid.UUID, str, bool]]) -> None:
    """Adds the addresses of many new users: user, canonical form, whether it is verified; inside a transaction."""
    bulk.insert(EmailAddress, "user_id, email, verified, primary", [(*row, True) for row in rows])


def put(user_id: uuid.UUID, email_key: str, *, verified: bool) -> None:
    """Makes this the address of a user; another address gets a new row. Called inside a transaction."""
    there = EmailAddress.objects.filter(user=user_id, primary=True)
    if there.filter(email=email_key, verified=verified).exists():
        return
    EmailAddress.objects.filter(user=user_id).delete()
    insert([(user_id, email_key, verified)])


def change(user: User, email: str) -> bool:
    """Gives the user another, unverified address in a new row, so that keys mailed to the old one are dead.

    Returns whether the old address was verified. Raises AccountError(EMAIL_TAKEN), also for another spelling of the
    address that the user has.
    """
    if names.lookup_key(email) == user.email_key:
        raise AccountError(ErrorCode.EMAIL_TAKEN)
    outbox.hand_over(user.email, user)
    left = user.email_key
    user.email = email
    try:
        with transaction.atomic():
            user.store("email")
            was_verified, _rows = EmailAddress.objects.filter(user=user, primary=True, verified=True).delete()
            EmailAddress.objects.filter(user=user).delete()
            add(user, verified=False)
            FormerAddress.objects.create(user=user, email_key=left)
    except IntegrityError:
        raise AccountError(ErrorCode.EMAIL_TAKEN) from None
    return bool(was_verified)


def propose(user: User, email: str) -> int:
    """Notes an address that the user wants to have, and returns the id of its row. It replaces an earlier wish.

    Raises AccountError(EMAIL_TAKEN), also for another spelling of the address that the user has.
    """
    key = names.lookup_key(email)
    if User.objects.filter(email_key=key).exists():
        raise AccountError(ErrorCode.EMAIL_TAKEN)
    forget_proposed(user)
    return int(EmailAddress.objects.create(user=user, email=key, primary=False, verified=False).pk)


def forget_proposed(user: User) -> None:
    EmailAddress.objects.filter(user=user, primary=False).delete()


@dataclass(frozen=True, kw_only=True)
class Moved:
    """user: the user with the new address. old: their earlier address. was_verified: whether that one was verified."""

    user: User
    old: str
    was_verified: bool


def take_proposed(address_id: int, email: str) -> Moved | None:
    """Gives `email`, verified, to the active user who wanted it, once; None if no user waits for it.

    Raises AccountError(EMAIL_TAKEN) if another account has it by now.
    """
    rows = EmailAddress.objects.filter(pk=address_id, primary=False, email=names.lookup_key(email))
    user = User.objects.with_address().filter(pk__in=rows.values("user"), is_active=True).first()
    # If several requests use the key at the same moment, only one of them deletes the row.
    if user is None or not rows.delete()[0]:
        return None
    old = user.email
    was_verified = change(user, email)
    set_verified(user, True)
    User.objects.filter(pk=user.pk).update(mailbox_proved_at=clock.now())
    return Moved(user=user, old=old, was_verified=was_verified)


def owners(key: str) -> list[uuid.UUID]:
    """The users who have the address of this canonical form, or want it and have not confirmed it yet."""
    return list(EmailAddress.objects.filter(email=key).values_list("user_id", flat=True))


def are_verified() -> Exists:
    """The condition on users that their address is verified."""
    return Exists(EmailAddress.objects.filter(user=OuterRef("pk"), primary=True, verified=True))


def verified_of(which: Q) -> set[uuid.UUID]:
    """The users whose address is verified. which: a condition on `user`."""
    rows = EmailAddress.objects.filter(which, primary=True, verified=True)
    return set(rows.values_list("user_id", flat=True))


def is_anybodys(email: str) -> bool:
    """Whether `email` is a verified address. Then a key that was mailed to it has been used before."""
    taken = EmailAddress.objects.filter(email=names.lookup_key(email), primary=True, verified=True)
    return bool(taken.exists())


def find_unproved(address_id: int, email: str) -> User | None:
    """The user of this address, locked, if nobody has ever proved to read a mailbox of that account."""
    address = EmailAddress.objects.filter(pk=address_id, email=email, primary=True, verified=False).first()
    if address is None:
        return None
    users = User.objects.select_for_update(no_key=True, of=("self",)).filter(pk=address.user_id, email_key=email)
    return users.filter(mailbox_proved_at=None, is_staff=False, is_superuser=False).first()


def restore(user: User, address: str) -> bool:
    """Gives the user an address back that they have just proved to read; False if another account has it by now."""
    forget_proposed(user)
    if names.lookup_key(address) != user.email_key:
        try:
            change(user, address)
        except AccountError:
            return False
    set_verified(user, True)
    return True


def set_verified(user: User, verified: bool) -> bool:
    """Marks the user's address as verified or not; False if nothing changes. Unmarking makes earlier keys worthless."""
    primary = EmailAddress.objects.filter(user=user, primary=True)
    if verified:
        user.address.verified = True
        return bool(primary.filter(verified=False).update(verified=True))
    if not primary.filter(verified=True).delete()[0]:
        return False
    add(user, verified=False)
    return True


def verify(address_id: int, email: str) -> User | None:
    """Marks the address of this id and text, once, and returns its active user; None if there is nothing to mark."""
    # No join: PostgreSQL would choose the row in a subquery, and several racing requests would all find it unverified.
    marked = EmailAddress.objects.filter(
        pk=address_id, email=email, verified=False, primary=True, user_id__in=User.objects.filter(is_active=True)
    ).update(verified=True)
    if not marked:
        return None
    User.objects.filter(emailaddress__pk=address_id).update(mailbox_proved_at=clock.now())
    return User.objects.with_address().filter(emailaddress__pk=address_id).first()


def is_verified(address_id: int, email: str) -> bool:
    """Whether the address of this id and text is verified, and still belongs to its active user."""
    verified = EmailAddress.objects.filter(pk=address_id, email=email, verified=True, user__is_active=True)
    return bool(verified.exists())


def export(user: User) -> list[dict[str, object]]:
    """The addresses of a user: the present one, a requested one that is not confirmed, and former ones."""
    rows: list[dict[str, object]] = []
    rows += EmailAddress.objects.filter(user=user).order_by("pk").values("email", "verified", "primary")
    former = FormerAddress.objects.filter(user=user).order_by("left_at")
    return rows + [{"email": each.email_key, "left_at": each.left_at} for each in former]
