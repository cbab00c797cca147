"""What a username, an address and an avatar URL may be, and their canonical form (contract, Accounts)."""

import re
import unicodedata

from confusable_homoglyphs import confusables
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.utils.translation import gettext as _

from accounts.core.errors import AccountError, ErrorCode
from accounts.models.user import canonical

LONGEST_USERNAME = 150
LONGEST_EMAIL = 254
LONGEST_AVATAR_URL = 500

# Django's UnicodeUsernameValidator without @, which tells a username from an address.
_USERNAME = re.compile(r"[\w.+-]+")


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


def username_from(email: str) -> str:
    """A username made of the local part of an address, for an account that is made without one; not always free."""
    local = email[:LONGEST_EMAIL].rpartition("@")[0]
    letters = _USERNAME.findall(unicodedata.normalize("NFKC", local))
    try:
        return clean_username("".join(letters)[:100])
    except AccountError:
        return "user"


def lookup_key(name: str) -> str:
    """The canonical form of a typed name. A text that is too long for a name gives "", which no account has."""
    return canonical(name) if len(name) <= LONGEST_EMAIL else ""
