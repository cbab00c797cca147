"""Usernames, addresses and verification keys; the door to allauth.

allauth keeps the addresses (EmailAddress). Its confirmation keys are bound to the row alone, its flows take requests
and speak SMTP: ours name the address too and are spent by the UPDATE that verifies it. An address is never edited in
place: a new row takes its place, so that every key that was mailed for the old one is dead.
"""

import re
import secrets
import unicodedata
import uuid
from datetime import UTC, datetime

from allauth.account.models import EmailAddress
from confusable_homoglyphs import confusables
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.http import urlsafe_base64_decode
from django.utils.translation import gettext as _

from accounts.core import clock
from accounts.core.conf import conf
from accounts.core.errors import AccountError, ErrorCode
from accounts.models import User
from accounts.models.user import canonical

LONGEST_USERNAME = 150
LONGEST_EMAIL = 254
LONGEST_AVATAR_URL = 500
# Longer than any key or uid that is mailed.
LONGEST_KEY = 1000

# Django's UnicodeUsernameValidator without @, which tells a username from an address.
_USERNAME = re.compile(r"[\w.+-]+")
_KEY_SALT = "accounts.verification-key"
_NOTICE_SALT = "accounts.notice-key"


def clean_username(raw: str) -> str:
    """The username as it is kept: NFKC. Raises AccountError(USERNAME_INVALID)."""
    # The length is checked first: NFKC takes time that grows with the square of a run of combining marks.
    username = unicodedata.normalize("NFKC", raw) if len(raw) <= LONGEST_USERNAME else ""
    reason = None
    if not 1 <= len(username) <= LONGEST_USERNAME:
        reason = _("A username has 1 to 150 characters.")
    elif "@" in username:
        reason = _("A username cannot contain @.")
    elif not _USERNAME.fullmatch(username):
        reason = _("A username may contain only letters, numbers, and . + - _ characters.")
    elif confusables.is_dangerous(username, preferred_aliases=["LATIN"]):
        reason = _("This username mixes scripts whose letters can be mistaken for one another.")
    if reason:
        raise AccountError(ErrorCode.USERNAME_INVALID, reasons=(reason,))
    return username


def clean_email(raw: str) -> str:
    """The address as it is kept: NFKC, the domain in lower case. Raises AccountError(EMAIL_INVALID)."""
    email = raw.strip()
    # The length is checked before NFKC, as in clean_username(), and after it, because NFKC makes some texts longer.
    email = unicodedata.normalize("NFKC", email) if len(email) <= LONGEST_EMAIL else email
    if len(email) > LONGEST_EMAIL:
        raise AccountError(ErrorCode.EMAIL_INVALID, reasons=(_("An e-mail address has at most 254 characters."),))
    try:
        validate_email(email)
    except ValidationError as error:
        raise AccountError(ErrorCode.EMAIL_INVALID, reasons=tuple(error.messages)) from None
    local, _at, domain = email.rpartition("@")
    return f"{local}@{domain.lower()}"


def clean_avatar_url(raw: str) -> str:
    """An https URL of at most 500 characters, or "". Raises AccountError(AVATAR_URL_INVALID)."""
    try:
        if len(raw) > LONGEST_AVATAR_URL:
            raise ValidationError(_("An avatar URL has at most 500 characters."))
        if raw:
            URLValidator(schemes=["https"])(raw)
    except ValidationError as error:
        raise AccountError(ErrorCode.AVATAR_URL_INVALID, reasons=tuple(error.messages)) from None
    return raw


def find(*names: str) -> User | None:
    """The user whom each of `names`, a username or an address, means; one statement."""
    users = User.objects.with_email_verified()
    for name in names:
        users = users.filter(**{"email_key" if "@" in name else "username_key": _lookup_key(name)})
    return users.first()


def find_by_email(email: str) -> User | None:
    """The user who has this address; one statement."""
    return User.objects.with_email_verified().filter(email_key=_lookup_key(email)).first()


def find_by_id(raw: str) -> User | None:
    """The active user of this id; an id that means nobody costs the same statement."""
    try:
        pk = uuid.UUID(raw[:LONGEST_KEY])
    except ValueError:
        pk = uuid.UUID(int=0)
    return User.objects.with_email_verified().filter(pk=pk, is_active=True).first()


def find_by_uid(uid: str) -> User | None:
    """The user of a reset link's uid; a uid that means nobody costs the same statement."""
    try:
        pk = uuid.UUID(urlsafe_base64_decode(uid[:LONGEST_KEY]).decode())
    except (ValueError, UnicodeDecodeError):
        pk = uuid.UUID(int=0)
    return User.objects.with_email_verified().filter(pk=pk, is_active=True).first()


def counted_as(user: User | None, *names: str) -> str:
    """What tries are counted by: the account, or where nobody has them the canonical names that were typed."""
    return str(user.pk) if user else "\0".join(_lookup_key(name) for name in names)


def username_from(email: str) -> str:
    """A username made of the local part of an address, for an account that is made without one; not always free."""
    local = email[:LONGEST_EMAIL].rpartition("@")[0]
    letters = _USERNAME.findall(unicodedata.normalize("NFKC", local))
    try:
        return clean_username("".join(letters)[:100])
    except AccountError:
        return "user"


def add(user: User, *, verified: bool, may_rename: bool = False) -> None:
    """Inserts a new user and its address; the unique constraints decide between two of the same name.

    may_rename: gives the user another name, with a suffix, where theirs is taken.
    Raises AccountError(USERNAME_TAKEN or EMAIL_TAKEN).
    """
    name = user.username
    while True:
        try:
            with transaction.atomic():
                user.save(force_insert=True)
                _add_address(user, verified=verified)
            return
        except IntegrityError:
            # Where the name may be another, the address is looked at first: a taken one costs what a fresh one does.
            is_address = may_rename and User.objects.filter(email_key=user.email_key).exists()
            taken = AccountError(ErrorCode.EMAIL_TAKEN) if is_address else _taken(user)
        if not may_rename or taken.code is not ErrorCode.USERNAME_TAKEN:
            raise taken
        user.username = f"{name}-{secrets.token_hex(3)}"


def change_email(user: User, email: str) -> bool:
    """Gives the user another address, unverified, in a new row, so that keys mailed to the old one are dead.

    Answers whether the old address was verified.
    Raises AccountError(EMAIL_TAKEN), also for another spelling of the address that the user has.
    """
    if canonical(email) == user.email_key:
        raise AccountError(ErrorCode.EMAIL_TAKEN)
    user.email = email
    try:
        with transaction.atomic():
            user.store("email")
            was_verified, _rows = EmailAddress.objects.filter(user=user, primary=True, verified=True).delete()
            EmailAddress.objects.filter(user=user).delete()
            _add_address(user, verified=False)
    except IntegrityError:
        raise AccountError(ErrorCode.EMAIL_TAKEN) from None
    return bool(was_verified)


def rename(user: User, *, username: str, avatar_url: str) -> None:
    """Sets username and avatar. Raises AccountError(USERNAME_TAKEN)."""
    user.username, user.avatar_url = username, avatar_url
    try:
        with transaction.atomic():
            user.store("username", "avatar_url")
    except IntegrityError:
        raise AccountError(ErrorCode.USERNAME_TAKEN) from None


def note_visit(user: User, *, now: datetime) -> None:
    User.objects.filter(pk=user.pk).update(last_visit=now)


def keep_a_superuser(user: User) -> None:
    """Raises AccountError(LAST_SUPERUSER) if no other active superuser would be left without `user`.

    Called in the transaction that takes the role or the account from `user`; the rows are locked until its end, so
    that of two superusers who remove each other one stays.
    """
    superusers = User.objects.get_queryset().active_superusers().order_by("pk").select_for_update(no_key=True)
    if set(superusers.values_list("pk", flat=True)) == {user.pk}:
        raise AccountError(ErrorCode.LAST_SUPERUSER, reasons=(_("The last active superuser has to stay."),))


def set_active(user: User, active: bool) -> bool:
    """Activates or deactivates; False where it was so already."""
    user.is_active = active
    return bool(User.objects.filter(pk=user.pk).exclude(is_active=active).update(is_active=active))


def set_roles(user: User, *, is_staff: bool | None, is_superuser: bool | None) -> bool:
    """Sets the roles that are not None; False where they were so already."""
    before = (user.is_staff, user.is_superuser)
    user.is_staff = user.is_staff if is_staff is None else is_staff
    user.is_superuser = user.is_superuser if is_superuser is None else is_superuser
    if (user.is_staff, user.is_superuser) == before:
        return False
    user.store("is_staff", "is_superuser")
    return True


def verification_key(user: User) -> str:
    """A key that verifies the user's present address, once and for 24 hours; `user` comes from find() or add()."""
    return signing.dumps([user.address_id, user.email_key], salt=_KEY_SALT)


def spend_key(key: str) -> User | None:
    """Verifies the address that `key` was mailed to, and answers its user; None where the key is good for nothing."""
    address_id, email = _address_of(key)
    # No join: PostgreSQL would decide in a subquery which row to change, and four racers would all find it unverified.
    spent = EmailAddress.objects.filter(
        pk=address_id, email=email, verified=False, user_id__in=User.objects.filter(is_active=True)
    ).update(verified=True)
    if not spent:
        return None
    User.objects.filter(emailaddress__pk=address_id).update(mailbox_proved_at=clock.now())
    return User.objects.with_email_verified().filter(emailaddress__pk=address_id).first()


def is_spent(key: str) -> bool:
    """Whether the address that `key` was mailed to is verified already, and still its user's."""
    address_id, email = _address_of(key)
    verified = EmailAddress.objects.filter(pk=address_id, email=email, verified=True, user__is_active=True)
    return bool(verified.exists())


def notice_key(user: User, address: str) -> str:
    """A key that says "this was not me", mailed to `address`, which was verified, and good for three days.

    It outlives a change of password or address, for that is what a thief would do next. It dies when somebody proves
    that they read the account's present address: the account may have a new owner.
    """
    return signing.dumps([str(user.pk), address, clock.now().timestamp()], salt=_NOTICE_SALT)


def spend_notice_key(key: str, *, password: str) -> tuple[User, str] | None:
    """Gives the active user to whom `key` was mailed another hash, and answers them and the address it was mailed to.

    It spends this key and all that were mailed since, in one statement; the ones mailed before it stay good, so that
    who has stolen an account and its address cannot spend the key of its owner. None where the key is good for nothing.
    """
    try:
        pk, address, mailed_at = signing.loads(key[:LONGEST_KEY], salt=_NOTICE_SALT, max_age=conf.notice_key_lifetime)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    mailed = datetime.fromtimestamp(mailed_at, UTC)
    unspent = Q(disowned_at=None) | Q(disowned_at__lt=mailed) | Q(disowned_from__gt=mailed)
    spending = {"disowned_at": clock.now(), "disowned_from": mailed, "password": password}
    unproved = Q(mailbox_proved_at=None) | Q(mailbox_proved_at__lte=mailed)
    if not User.objects.filter(unspent, unproved, pk=pk, is_active=True).update(**spending):
        return None
    return User.objects.get(pk=pk), address


def restore_email(user: User, address: str) -> bool:
    """Gives the user an address back that they have just proved to read; False where another account has it by now."""
    if canonical(address) != user.email_key:
        try:
            change_email(user, address)
        except AccountError:
            return False
    set_verified(user, True)
    return True


def set_verified(user: User, verified: bool) -> bool:
    """Marks the user's address; False where it was so already. Unmarking kills the keys mailed before."""
    user.email_verified = verified
    primary = EmailAddress.objects.filter(user=user, primary=True)
    if verified:
        return bool(primary.filter(verified=False).update(verified=True))
    if not primary.filter(verified=True).delete()[0]:
        return False
    _add_address(user, verified=False)
    return True


def _add_address(user: User, *, verified: bool) -> None:
    address = EmailAddress.objects.create(user=user, email=user.email_key, primary=True, verified=verified)
    user.email_verified = verified
    user.address_id = address.pk


def _address_of(key: str) -> tuple[int, str]:
    """The id and the text of the address that `key` was mailed to; 0 and "" where the key is good for nothing."""
    try:
        address_id, email = signing.loads(key[:LONGEST_KEY], salt=_KEY_SALT, max_age=conf.verification_key_lifetime)
    except (signing.BadSignature, ValueError, TypeError):
        return 0, ""
    return address_id, email


def _lookup_key(name: str) -> str:
    """The canonical form of a name that somebody typed; "", which nobody has, for one that is too long to be a name."""
    return canonical(name) if len(name) <= LONGEST_EMAIL else ""


def _taken(user: User) -> AccountError:
    if User.objects.filter(username_key=user.username_key).exists():
        return AccountError(ErrorCode.USERNAME_TAKEN)
    return AccountError(ErrorCode.EMAIL_TAKEN)
