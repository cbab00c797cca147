"""Telegram's login widget. Its data about a person are signed with a hash of the bot's token.

https://core.telegram.org/widgets/login#checking-authorization
"""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

from accounts.core import clock
from accounts.core.provider import Identity, Provider
from accounts.services.providers.oidc import Refused

LONGEST_RESULT = 5000
GOOD_FOR = timedelta(minutes=5)


def identity(provider: Provider, result: str) -> Identity:
    """The person of the widget's `tgAuthResult` (Base64 of a JSON object). It contains no address. Raises Refused."""
    try:
        data = json.loads(base64.urlsafe_b64decode(result[:LONGEST_RESULT] + "=" * (-len(result) % 4)))
        said = str(data.pop("hash"))
        signed_at = datetime.fromtimestamp(int(data["auth_date"]), UTC)
        subject = str(int(data["id"]))
    except (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError) as error:
        raise Refused("it cannot be read") from error
    lines = "\n".join(sorted(f"{name}={value}" for name, value in data.items()))
    key = hashlib.sha256(provider.client_secret.encode()).digest()
    if not hmac.compare_digest(hmac.new(key, lines.encode(), hashlib.sha256).hexdigest(), said):
        raise Refused("it is not signed by the bot")
    if not -GOOD_FOR < clock.now() - signed_at < GOOD_FOR:
        raise Refused("it is too old")
    return Identity(provider=provider, subject=subject, email="", email_is_proved=False)
