from typing import Any

from accounts.core.context import RepeatKey
from accounts.services import idempotency


def keep_answer(*, key: RepeatKey, answer: dict[str, Any]) -> None:
    """Keeps the answer of the request that was carried out under `key`, for when the client repeats it."""
    idempotency.keep(key, answer)
