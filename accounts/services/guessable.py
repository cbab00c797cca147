"""Password validators: they refuse what is guessed first, and say why (OWASP ASVS 5.0, 6.2.4 and 6.2.11).

There is no rule about kinds of characters: fifteen random digits are a fine password.
"""

from functools import lru_cache
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.password_validation import CommonPasswordValidator, UserAttributeSimilarityValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from accounts.core.conf import conf

# Digits and signs that people write in place of letters. 1 and ! can stand for two letters.
_FOR_I = str.maketrans("4@8(3691!|05$7+2%", "aabceggiilossttzx")
_FOR_L = _FOR_I | str.maketrans("1!", "ll")
_SEPARATORS = str.maketrans("", "", " -_.")
# How many signs around a word are ignored, and the length of the shortest word that is looked for.
_BEFORE, _BEHIND, _SHORTEST = 4, 7, 3
# A longer text is no word with signs around it.
_LONGEST = 64
# The shortest password. A shorter text, or a few runs, is easily guessed, however often it is repeated.
_ENOUGH = 8
_ROWS = (
    *("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz"),
    *("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю", "фівапролджє"),
)
_STEPS = {"".join(pair): ">" for row in _ROWS for pair in pairwise(row)}
_STEPS |= {pair[::-1]: "<" for pair in _STEPS}


class GuessablePasswordValidator(CommonPasswordValidator):
    """Refuses common passwords and words with the usual changes, short texts that are repeated, and rows of keys.

    The lists are those of Django and zxcvbn: 100,800 passwords, words and names. zxcvbn's estimate is not used. A
    hostile password of 72 characters keeps it busy for more than a second, and a threshold that refuses `Summer2025!`
    refuses every second random text of eight digits and blanks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.passwords: set[str] = self.passwords.union(*FREQUENCY_LISTS.values())

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) < _ENOUGH:
            # MinimumLengthValidator reports this.
            return
        text = password.casefold()
        unit = _unit(text)
        is_repeated = unit != text and len(unit) < _ENOUGH
        words = (form for form in _forms(text) if len(form) > _SHORTEST or form == text)
        if is_repeated or _is_of_rows(text) or not self.passwords.isdisjoint(words):
            raise ValidationError(self.get_error_message(), code="password_too_common")


class ContextPasswordValidator(UserAttributeSimilarityValidator):
    """Refuses passwords made of the user's name or address, or of the name of this site."""

    def validate(self, password: str, user: Any = None) -> None:
        super().validate(password, user)
        forms = _forms(password.casefold())
        for attribute in self.user_attributes:
            if user is not None and forms & _words(getattr(user, attribute)):
                name = user._meta.get_field(attribute).verbose_name
                raise ValidationError(self.get_error_message() % {"verbose_name": name}, code="password_too_similar")
        if forms & _site_words(conf.public_url):
            raise ValidationError(
                _("The password is too similar to the name of this site."), code="password_too_similar"
            )


def _forms(text: str) -> set[str]:
    """The text, its words without digits and signs around them, and both with letters in place of digits and signs."""
    text = _unit(text)
    forms = {text}
    at = [place for place, letter in enumerate(text) if letter.isalpha()]
    if not at or len(text) > _LONGEST:
        return forms
    for start in range(min(at[0], _BEFORE) + 1):
        for end in range(max(at[-1] + 1, len(text) - _BEHIND), len(text) + 1):
            for meant in (_FOR_I, _FOR_L):
                word = _unit(text[start:end].translate(_SEPARATORS).translate(meant))
                if len(word) >= _SHORTEST:
                    forms.add(word)
    return forms


def _unit(text: str) -> str:
    """The shortest text whose repetition gives this one."""
    return text[: (text + text).find(text, 1)]


def _is_of_rows(text: str) -> bool:
    """Whether the text consists of a few runs: of one letter, or along the keyboard or the alphabet."""
    steps = ["=" if one == other else _STEPS.get(one + other, "") for one, other in pairwise(text)]
    runs = sum(not step or step != before for before, step in pairwise(["", *steps]))
    return runs * 3 <= len(text) + 1 and runs < _ENOUGH


def _words(name: str) -> set[str]:
    """The user's name or address and its parts, in the forms of _forms()."""
    local, _at, domain = name.casefold().rpartition("@")
    parts = {name.casefold(), local, domain, domain.partition(".")[0]}
    return {form for part in parts if len(part) >= _SHORTEST for form in _forms(part)}


@lru_cache(maxsize=1)
def _site_words(origin: str) -> frozenset[str]:
    host = urlsplit(origin).hostname or ""
    labels = host.split(".")
    # id.example.org also gives example.org and org. A top-level domain alone is no name.
    parts = [host, *labels[:-1], *(".".join(labels[at:]) for at in range(len(labels) - 1))]
    return frozenset(form for part in parts if len(part) >= _SHORTEST for form in _forms(part))
