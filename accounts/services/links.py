"""Every key that is mailed in a link, each with its own salt and lifetime: verify, reset, "this was not me"."""

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

# Longer than any key that is mailed: what is longer is looked at no further.
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
    """Verifies the address that `key` was mailed to, and answers its user; None where the key is good for nothing."""
    return addresses.verify(*_address_of(key, _VERIFY_SALT))


def is_spent(key: str) -> bool:
    """Whether the address that `key` was mailed to, of either kind, is verified already, and still its user's."""
    address_id, email = _address_of(key, _VERIFY_SALT)
    if address_id:
        return addresses.is_verified(address_id, email)
    _id, wanted = _address_of(key, _CHANGE_SALT)
    return addresses.is_anybodys(wanted)


def change_key(address_id: int, email: str) -> str:
    """A key that makes `email` the address of the user who wanted it (see addresses.propose), for 24 hours."""
    return signing.dumps([address_id, email], salt=_CHANGE_SALT)


def spend_change_key(key: str) -> addresses.Moved | None:
    """What addresses.take_proposed() answers; raises AccountError(EMAIL_TAKEN)."""
    return addresses.take_proposed(*_address_of(key, _CHANGE_SALT))


def not_registered_key(user: User) -> str:
    """A key that says "I did not register", mailed to an address that was never proved, and good for 24 hours."""
    return signing.dumps([user.address.pk, user.email_key], salt=_NOT_REGISTERED_SALT)


def user_not_registered(key: str) -> User | None:
    """The user whom the owner of the address did not register; None where the key is good for nothing."""
    return addresses.find_unproved(*_address_of(key, _NOT_REGISTERED_SALT))


def notice_key(user: User, address: str) -> str:
    """A key that says "this was not me", mailed to `address`, which was verified, and good for three days.

    It outlives a change of password or address, for that is what a thief would do next. It dies when somebody proves
    that they read the account's present address: the account may have a new owner.
    """
    return signing.dumps([str(user.pk), address, clock.now().timestamp()], salt=_NOT_ME_SALT)


def spend_notice_key(key: str, *, password: str) -> tuple[User, str] | None:
    """Gives the active user to whom `key` was mailed another hash, and answers them and the address it was mailed to.

    It spends this key and all that were mailed since, in one statement; the ones mailed before it stay good, so that
    who has stolen an account and its address cannot spend the key of its owner. None where the key is good for nothing.
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
    """A key that fetches the copy of the user's data that was asked for last, once and for a day."""
    asked_at = user.export_asked_at
    return signing.dumps([str(user.pk), user.email_key, asked_at and asked_at.isoformat()], salt=_EXPORT_SALT)


def spend_export_key(key: str) -> User | None:
    """The active user who asked for the data; None where the key is good for nothing."""
    try:
        pk, email_key, asked_at = signing.loads(key[:LONGEST_KEY], salt=_EXPORT_SALT, max_age=conf.export_key_lifetime)
        return users.spend_export(uuid.UUID(pk), email_key=email_key, asked_at=datetime.fromisoformat(asked_at))
    except (signing.BadSignature, ValueError, TypeError):
        return None


def keep_key(user: User) -> str:
    """A key that keeps an account whose deletion was asked for, until it is due."""
    due_at = user.deletion_due_at
    return signing.dumps([str(user.pk), due_at and due_at.isoformat()], salt=_KEEP_SALT)


def spend_keep_key(key: str, *, now: datetime) -> User | None:
    """The user whose account is kept by it; None where the key is good for nothing."""
    try:
        pk, due_at = signing.loads(key[:LONGEST_KEY], salt=_KEEP_SALT)
        return users.undo_deletion(uuid.UUID(pk), due_at=datetime.fromisoformat(due_at), now=now)
    except (signing.BadSignature, ValueError, TypeError):
        return None


def reset_uid(user: User) -> str:
    return urlsafe_base64_encode(force_bytes(user.pk))


def reset_token(user: User) -> str:
    """A token that is good for an hour, for this address and as long as the password is the present one.

    It begins with the uid and a dot, so that clients which send a token alone (FastAPI Users) can use the same link.
    """
    return f"{reset_uid(user)}.{default_token_generator.make_token(user)}"


def reset_token_uid(token: str) -> str:
    """The uid that a reset token begins with."""
    return token[:LONGEST_KEY].partition(".")[0]


def reset_token_is_good(user: User, token: str) -> bool:
    uid, _dot, secret = token[:LONGEST_KEY].partition(".")
    # The secret first: a token that names nobody takes as long as one that names the user.
    return default_token_generator.check_token(user, secret) and uid == reset_uid(user)


def _address_of(key: str, salt: str) -> tuple[int, str]:
    """The id and the text of the address that `key` was mailed to; 0 and "" where the key is good for nothing."""
    try:
        address_id, email = signing.loads(key[:LONGEST_KEY], salt=salt, max_age=conf.verification_key_lifetime)
    except (signing.BadSignature, ValueError, TypeError):
        return 0, ""
    return address_id, email
