"""The keys in mailed links: verify, reset, "this was not me" and others. Each kind has its own salt and lifetime."""

import uuid
from datetime import UTC, datetime

from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.db.models import Q
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.core import clock
from accounts.core.conf import conf
from accounts.models import User
from accounts.services import addresses, users

# Longer than any mailed key. A longer text is refused at once.
LONGEST_KEY = 1000

_VERIFY_SALT = "accounts.verification-key"
_CHANGE_SALT = "accounts.change-key"
_NOT_REGISTERED_SALT = "accounts.not-registered-key"
_NOT_ME_SALT = "accounts.notice-key"
_EXPORT_SALT = "accounts.export-key"
_KEEP_SALT = "accounts.keep-key"


def verification_key(user: User) -> str:
    """A key that verifies the user's present address, once and for 24 hours."""
    return signing.dumps([user.address.pk, user.email_key], salt=_VERIFY_SALT)


def spend_key(key: str) -> User | None:
    """Verifies the address that `key` was mailed to, and returns its user; None for a worthless key."""
    return addresses.verify(*_address_of(key, _VERIFY_SALT))


def is_spent(key: str) -> bool:
    """Whether a verification key or change key is spent: its address is verified and still belongs to its user."""
    address_id, email = _address_of(key, _VERIFY_SALT)
    if address_id:
        return addresses.is_verified(address_id, email)
    _id, wanted = _address_of(key, _CHANGE_SALT)
    return addresses.is_anybodys(wanted)


def change_key(address_id: int, email: str) -> str:
    """A key that makes `email` the address of the user who wanted it (see addresses.propose), for 24 hours."""
    return signing.dumps([address_id, email], salt=_CHANGE_SALT)


def spend_change_key(key: str) -> addresses.Moved | None:
    """Spends a change key, and returns what take_proposed() does. Raises AccountError(EMAIL_TAKEN)."""
    return addresses.take_proposed(*_address_of(key, _CHANGE_SALT))


def not_registered_key(user: User) -> str:
    """A key that says "I did not register", for an address that was never proved. It works for 24 hours."""
    return signing.dumps([user.address.pk, user.email_key], salt=_NOT_REGISTERED_SALT)


def user_not_registered(key: str) -> User | None:
    """The user whom the owner of the address did not register; None for a worthless key."""
    return addresses.find_unproved(*_address_of(key, _NOT_REGISTERED_SALT))


def notice_key(user: User, address: str) -> str:
    """A key that says "this was not me", for the verified `address`. It works for three days.

    It still works after a change of password or address, because a thief would make such a change next. It stops
    working when somebody proves that they read the account's present address: the account may have a new owner.
    """
    return signing.dumps([str(user.pk), address, clock.now().timestamp()], salt=_NOT_ME_SALT)


def spend_notice_key(key: str, *, password: str) -> tuple[User, str] | None:
    """Gives the active user of `key` another password hash. Returns the user and the address that it was mailed to.

    One statement spends this key and all later ones. Earlier keys keep working, so that a thief of an account and its
    address cannot spend the owner's key. Returns None for a worthless key.
    """
    try:
        pk, address, mailed_at = signing.loads(key[:LONGEST_KEY], salt=_NOT_ME_SALT, max_age=conf.notice_key_lifetime)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    mailed = datetime.fromtimestamp(mailed_at, UTC)
    unspent = Q(disowned_at=None) | Q(disowned_at__lt=mailed) | Q(disowned_from__gt=mailed)
    spending = {"disowned_at": clock.now(), "disowned_from": mailed, "password": password}
    unproved = Q(mailbox_proved_at=None) | Q(mailbox_proved_at__lte=mailed)
    if not User.objects.filter(unspent, unproved, pk=pk, is_active=True).update(**spending):
        return None
    return User.objects.get(pk=pk), address


def export_key(user: User) -> str:
    """A key that fetches the user's data as last asked for, once and within a day."""
    asked_at = user.export_asked_at
    return signing.dumps([str(user.pk), user.email_key, asked_at and asked_at.isoformat()], salt=_EXPORT_SALT)


def spend_export_key(key: str) -> User | None:
    """The active user who asked for the data; None for a worthless key."""
    try:
        pk, email_key, asked_at = signing.loads(key[:LONGEST_KEY], salt=_EXPORT_SALT, max_age=conf.export_key_lifetime)
        return users.spend_export(uuid.UUID(pk), email_key=email_key, asked_at=datetime.fromisoformat(asked_at))
    except (signing.BadSignature, ValueError, TypeError):
        return None


def keep_key(user: User) -> str:
    """A key that keeps an account. It works until the deletion is due."""
    due_at = user.deletion_due_at
    return signing.dumps([str(user.pk), due_at and due_at.isoformat()], salt=_KEEP_SALT)


def spend_keep_key(key: str, *, now: datetime) -> User | None:
    """Keeps the account, and returns its user; None for a worthless key."""
    try:
        pk, due_at = signing.loads(key[:LONGEST_KEY], salt=_KEEP_SALT)
        return users.undo_deletion(uuid.UUID(pk), due_at=datetime.fromisoformat(due_at), now=now)
    except (signing.BadSignature, ValueError, TypeError):
        return None


def reset_uid(user: User) -> str:
    return urlsafe_base64_encode(force_bytes(user.pk))


def reset_token(user: User) -> str:
    """A token that works for an hour, as long as address and password stay the same.

    It begins with the uid and a dot, so that clients that send only a token (FastAPI Users) can use the same link.
    """
    return f"{reset_uid(user)}.{default_token_generator.make_token(user)}"


def reset_token_uid(token: str) -> str:
    """The uid that a reset token begins with."""
    return token[:LONGEST_KEY].partition(".")[0]


def reset_token_is_good(user: User, token: str) -> bool:
    uid, _dot, secret = token[:LONGEST_KEY].partition(".")
    # The secret is compared first, so that a token for an unknown user takes as long as one for a known user.
    return default_token_generator.check_token(user, secret) and uid == reset_uid(user)


def _address_of(key: str, salt: str) -> tuple[int, str]:
    """The id and the text of the address that `key` was mailed to; 0 and "" for a worthless key."""
    try:
        address_id, email = signing.loads(key[:LONGEST_KEY], salt=salt, max_age=conf.verification_key_lifetime)
    except (signing.BadSignature, ValueError, TypeError):
        return 0, ""
    return address_id, email
