"""What a username, an address and an avatar URL may be, and their canonical form (contract, Accounts)."""

import re
import secrets
import unicodedata
from functools import lru_cache

import idna
from confusable_homoglyphs import confusables
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, URLValidator
from django.utils.translation import gettext as _

from accounts.core.conf import conf
from accounts.core.errors import AccountError, ErrorCode
from accounts.models.user import ATOM, canonical, deliverable

LONGEST_USERNAME = 150
LONGEST_EMAIL = 254
LONGEST_AVATAR_URL = 500

# Django's UnicodeUsernameValidator without @, which tells a username from an address.
_USERNAME = re.compile(r"[\w.+-]+")
# What nobody sees: controls, what Unicode lets a display leave out (Default_Ignorable_Code_Point), an empty letter of
# Braille.
_UNSEEN = re.compile(
    "[\0-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# What one letter is taken for: lower i, upper I, l and 1 are one.
_SKELETON = str.maketrans({"i": "l", "1": "l", "0": "o", "m": "rn", "w": "vv"} | dict.fromkeys(".+-_", ""))
_SMALL_CAPITAL = re.compile("LATIN LETTER SMALL CAPITAL ([A-Z])")
# What UTS #39 does not list, because it looks alike in italics alone.
_IN_ITALICS = {"п": "n", "и": "u", "г": "r"}


class _AddressValidator(EmailValidator):
    """Django's, with letters of every script before the @ (RFC 6531)."""

    user_regex = re.compile(rf"{ATOM}(\.{ATOM})*\Z|" + EmailValidator.user_regex.pattern, re.IGNORECASE)


_validate_address = _AddressValidator()


def clean_username(raw: str) -> str:
    """The username as it is kept: trimmed, NFKC. Raises AccountError(USERNAME_INVALID)."""
    raw = raw.strip()
    # The length is checked first: NFKC takes time that grows with the square of a run of combining marks.
    username = unicodedata.normalize("NFKC", raw) if len(raw) <= LONGEST_USERNAME else ""
    reason = None
    if not 1 <= len(username) <= LONGEST_USERNAME:
        reason = _("A username has 1 to 150 characters.")
    elif "@" in username:
        reason = _("A username cannot contain @.")
    elif not _USERNAME.fullmatch(username) or _UNSEEN.search(username):
        reason = _("A username may contain only letters, numbers, and . + - _ characters.")
    elif confusables.is_dangerous(username, preferred_aliases=["LATIN"]):
        reason = _("This username mixes scripts whose letters can be mistaken for one another.")
    if reason:
        raise AccountError(ErrorCode.USERNAME_INVALID, reasons=(reason,))
    return username


def check_not_reserved(username: str) -> None:
    """Raises AccountError(USERNAME_INVALID) for a name that looks like one of RESERVED_USERNAMES."""
    if is_reserved(username):
        raise AccountError(ErrorCode.USERNAME_INVALID, reasons=(_("This username is reserved."),))


def is_reserved(username: str) -> bool:
    """Whether a username, as clean_username() gives it, looks like one of RESERVED_USERNAMES."""
    return _skeleton(username) in _reserved(conf.reserved_usernames)


def clean_email(raw: str) -> str:
    """The address as it is kept: trimmed, as canonical() has it, but with the person's own letters.

    Raises AccountError(EMAIL_INVALID).
    """
    email = raw.strip()
    # The length is checked before anything else is done, as in clean_username(), and afterwards, because NFKC and IDNA
    # make some texts longer.
    if len(email) > LONGEST_EMAIL:
        raise _too_long()
    if _UNSEEN.search(email):
        raise AccountError(ErrorCode.EMAIL_INVALID, reasons=(_("An e-mail address has no invisible characters."),))
    try:
        sent = deliverable(email)
        _validate_address(sent)
        local, _at, domain = sent.rpartition("@")
        if not _is_written(local):
            raise AccountError(ErrorCode.EMAIL_INVALID)
        kept = f"{local}@{idna.decode(domain) if 'xn--' in domain else domain}"
    except UnicodeError:
        raise AccountError(ErrorCode.EMAIL_INVALID) from None
    except ValidationError as error:
        raise AccountError(ErrorCode.EMAIL_INVALID, reasons=tuple(error.messages)) from None
    # SMTP counts octets (RFC 5321 §4.5.3.1.3). The canonical form has no more letters than this has octets.
    if len(sent.encode()) > LONGEST_EMAIL:
        raise _too_long()
    return kept


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


def username_from(email: str) -> str:
    """A username made of the local part of an address, for an account that is made without one; not always free."""
    local = email[:LONGEST_EMAIL].rpartition("@")[0]
    letters = _USERNAME.findall(unicodedata.normalize("NFKC", local))
    try:
        username = clean_username("".join(letters)[:100])
    except AccountError:
        username = "user"
    return f"{username}-{secrets.token_hex(3)}" if is_reserved(username) else username


def lookup_key(name: str) -> str:
    """The canonical form of a typed name. A text that is too long or has a NUL gives "", which no account has."""
    name = name.strip()
    return canonical(name) if len(name) <= LONGEST_EMAIL and "\0" not in name else ""


def _is_written(local: str) -> bool:
    """Whether a local part is made of characters that are written, from left to right or back: no blanks of any script,
    nothing that has no meaning yet or a private one, and no mark before there is a letter to put it on.
    """
    kinds = [unicodedata.category(letter)[0] for letter in local if not letter.isascii()]
    return not {"C", "Z"} & set(kinds) and unicodedata.category(local[0])[0] != "M"


def _too_long() -> AccountError:
    return AccountError(ErrorCode.EMAIL_INVALID, reasons=(_("An e-mail address has at most 254 characters."),))


@lru_cache(maxsize=1)
def _reserved(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_skeleton(name) for name in names)


def _skeleton(username: str) -> str:
    """What a name looks like, in the manner of UTS #39: equal for names that are taken for one another.

    Case, marks and separators do not tell names apart here either, and an upper letter may look like one of ASCII where
    the lower one does not, as the Cyrillic letter Em does.
    """
    return "".join(_looks_like(letter) for letter in unicodedata.normalize("NFKD", canonical(username)))


@lru_cache(maxsize=10_000)
def _looks_like(letter: str) -> str:
    """The letters of ASCII that this one is taken for; the letter itself where there are none, "" for a mark."""
    if unicodedata.combining(letter):
        return ""
    if letter.isascii():
        return letter.translate(_SKELETON)
    for shape in (letter, letter.upper()):
        for found in confusables.is_confusable(shape) or []:
            for homoglyph in found["homoglyphs"]:
                if homoglyph["c"].isascii():
                    return str(homoglyph["c"]).lower().translate(_SKELETON)
    small_capital = _SMALL_CAPITAL.fullmatch(unicodedata.name(letter, ""))
    return small_capital[1].lower().translate(_SKELETON) if small_capital else _IN_ITALICS.get(letter, letter)
