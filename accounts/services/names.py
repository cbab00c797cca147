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

# Django's UnicodeUsernameValidator without @, because an @ distinguishes an address from a username.
_USERNAME = re.compile(r"[\w.+-]+")
# Invisible characters: controls, Unicode's Default_Ignorable_Code_Point, and the empty Braille pattern.
_UNSEEN = re.compile(
    "[\0-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Letters that look alike are one: lower i, upper I, l and 1.
_LOOKS = str.maketrans({"i": "l", "1": "l", "0": "o", "m": "rn", "w": "vv"})
_SEPARATORS = str.maketrans(dict.fromkeys(".+-_", ""))
_SMALL_CAPITAL = re.compile("LATIN LETTER SMALL CAPITAL ([A-Z])")
# Letters that UTS #39 does not list, because they look alike only in italics.
_IN_ITALICS = {"п": "n", "и": "u", "г": "r"}


class _AddressValidator(EmailValidator):
    """Django's validator, with letters of every script before the @ (RFC 6531)."""

    user_regex = re.compile(rf"{ATOM}(\.{ATOM})*\Z|" + EmailValidator.user_regex.pattern, re.IGNORECASE)


_validate_address = _AddressValidator()


def clean_username(raw: str) -> str:
    """The username in its stored form: trimmed, NFKC. Raises AccountError(USERNAME_INVALID)."""
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
    """Whether a username from clean_username() looks like one of RESERVED_USERNAMES."""
    return _skeleton(username) in _reserved(conf.reserved_usernames)


def clean_email(raw: str) -> str:
    """The address in its stored form: trimmed, in the form of canonical(), but with upper and lower case as typed.

    Raises AccountError(EMAIL_INVALID).
    """
    email = raw.strip()
    # The length is checked first, as in clean_username(), and again at the end, because NFKC and IDNA make some texts
    # longer.
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
    # SMTP counts octets (RFC 5321 §4.5.3.1.3). The canonical form has no more letters than this form has octets.
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
    """A username made of the local part of an address, for an account without a chosen one. It may be taken."""
    local = email[:LONGEST_EMAIL].rpartition("@")[0]
    letters = _USERNAME.findall(unicodedata.normalize("NFKC", local))
    try:
        username = clean_username("".join(letters)[:100])
    except AccountError:
        username = "user"
    return f"{username}-{secrets.token_hex(3)}" if is_reserved(username) else username


def lookup_key(name: str) -> str:
    """The canonical form of a typed name; "", which no account has, for a text that is too long or contains NUL."""
    name = name.strip()
    return canonical(name) if len(name) <= LONGEST_EMAIL and "\0" not in name else ""


def _is_written(local: str) -> bool:
    """Whether every character of a local part can be written: no controls, no blanks of any script, no unassigned or
    private characters, and no mark at the beginning.
    """
    kinds = [unicodedata.category(letter)[0] for letter in local if not letter.isascii()]
    return not {"C", "Z"} & set(kinds) and unicodedata.category(local[0])[0] != "M"


def _too_long() -> AccountError:
    return AccountError(ErrorCode.EMAIL_INVALID, reasons=(_("An e-mail address has at most 254 characters."),))


@lru_cache(maxsize=1)
def _reserved(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_skeleton(name) for name in names)


def _skeleton(username: str) -> str:
    """The look of a name without separators."""
    return look(username).translate(_SEPARATORS)


def look(username: str) -> str:
    """The look of a name, in the manner of UTS #39: equal for names that can be mistaken for each other.

    Case and marks make no difference either. An upper letter may look like an ASCII letter when its lower form does
    not, such as the Cyrillic letter Em.
    """
    if username.isascii():
        return username.lower().translate(_LOOKS)
    return "".join(_looks_like(letter) for letter in unicodedata.normalize("NFKD", canonical(username)))


@lru_cache(maxsize=10_000)
def _looks_like(letter: str) -> str:
    """The ASCII letters that this letter looks like; the letter itself if there are none, "" for a mark."""
    if unicodedata.combining(letter):
        return ""
    if letter.isascii():
        return letter.translate(_LOOKS)
    for shape in (letter, letter.upper()):
        for found in confusables.is_confusable(shape) or []:
            for homoglyph in found["homoglyphs"]:
                if homoglyph["c"].isascii():
                    return str(homoglyph["c"]).lower().translate(_LOOKS)
    small_capital = _SMALL_CAPITAL.fullmatch(unicodedata.name(letter, ""))
    return small_capital[1].lower().translate(_LOOKS) if small_capital else _IN_ITALICS.get(letter, letter)
