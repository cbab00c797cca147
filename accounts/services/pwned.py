"""A password validator that asks a service of leaked passwords, such as haveibeenpwned's, if the setting names one.

The service learns five of the forty digits of the password's SHA-1, and answers all hashes that begin with them
(k-anonymity).
"""

import hashlib
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.core.conf import conf

SECONDS = 1.0
# Padded answers have about 40 kB.
LONGEST_ANSWER = 1_000_000
_log = logging.getLogger(__name__)
# A call that took too long, such as a look-up of a name, ends here by itself, and nobody waits for it.
_pool = ThreadPoolExecutor(4, thread_name_prefix="pwned")


class PwnedPasswordValidator:
    """Refuses a password that the service knows. Called outside of transactions, because it uses the network."""

    def validate(self, password: str, user: Any = None) -> None:
        if conf.pwned_passwords_url and _is_known(password):
            raise ValidationError(
                _("This password was found in a leak. Choose one that you use nowhere else."), code="password_pwned"
            )

    def get_help_text(self) -> str:
        return _("Your password can’t be one that was found in a leak.")


def _is_known(password: str) -> bool:
    """Whether the service knows the password. Without an answer in time it logs a warning and returns False."""
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    prefix, suffix = digest[:5], digest[5:]
    asked = _pool.submit(_answer, f"{conf.pwned_passwords_url}/{prefix}")
    try:
        answer = asked.result(SECONDS)
    except (OSError, HTTPException, ValueError) as error:
        asked.cancel()
        _log.warning(
            "the service of leaked passwords did not answer, the password is accepted: %s", error or "too late"
        )
        return False
    # A line contains a suffix and how often it leaked. Lines of padding have 0.
    return any(line.startswith(f"{suffix}:") and line != f"{suffix}:0" for line in answer.upper().splitlines())


def _answer(url: str) -> str:
    ends = time.monotonic() + SECONDS
    # The setting allows http and https alone.
    request = Request(url, headers={"Add-Padding": "true", "User-Agent": "accounts-backend"})  # noqa: S310
    answer = bytearray()
    try:
        with urlopen(request, timeout=SECONDS) as response:  # noqa: S310
            while part := response.read1(65536):
                answer += part
                if len(answer) > LONGEST_ANSWER or time.monotonic() > ends:
                    raise ValueError("the answer is too long, or too slow")
    except HTTPError as refused:
        # The error is also the response, with an open connection.
        refused.close()
        raise
    return answer.decode("ascii")
