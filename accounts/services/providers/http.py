"""Requests to providers: limited in time and in the length of the answer, without holding up other logins."""

import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

import requests

from accounts.core.errors import AccountError, ErrorCode

# The time for all requests of one login.
SECONDS = 5.0
LONGEST_ANSWER = 1_000_000
# The most logins with one provider at the same time. A slow provider fills only its own pool.
AT_ONCE = 16
RETRY_SECONDS = 30

T = TypeVar("T")


class BoundedSession(requests.Session):
    """Follows no redirect, and reads at most LONGEST_ANSWER bytes within SECONDS."""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        ends = time.monotonic() + SECONDS
        kwargs = {**kwargs, "timeout": SECONDS, "stream": True, "allow_redirects": False}
        response = super().request(method, url, *args, **kwargs)
        body = bytearray()
        with response:
            while piece := response.raw.read1(65_536, decode_content=True):
                body += piece
                if len(body) > LONGEST_ANSWER or time.monotonic() > ends:
                    raise requests.RequestException("the answer is too long, or too slow")
        response.raw = io.BytesIO(bytes(body))
        if response.is_redirect:
            raise requests.RequestException("the answer is a redirect")
        return response


def within_time(provider_id: str, ask: Callable[[], T]) -> T:
    """Returns the result of `ask`. Raises AccountError(PROVIDER_UNAVAILABLE) if the provider fails or takes too long.

    A call that took too long ends by itself in the provider's own pool.
    """
    asked = _pool(provider_id).submit(ask)
    try:
        return asked.result(SECONDS)
    except (requests.RequestException, OSError, TimeoutError):
        asked.cancel()
        raise AccountError(ErrorCode.PROVIDER_UNAVAILABLE, data={"retry_after": RETRY_SECONDS}) from None


def json_of(response: requests.Response) -> dict[str, Any]:
    """The JSON object of a successful answer. Raises RequestException for any other answer."""
    response.raise_for_status()
    try:
        answer = response.json()
    except RecursionError:
        answer = None
    if not isinstance(answer, dict):
        raise requests.RequestException("the answer is no JSON object")
    return answer


@lru_cache(maxsize=64)
def _pool(provider_id: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"provider-{provider_id}")
