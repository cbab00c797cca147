import logging
import random
import re
import time
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

logger = logging.getLogger("accounts.requests")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
current_id: ContextVar[str] = ContextVar("request_id", default="")


class RequestIdFilter(logging.Filter):
    """Adds the id of the request to every line that is written while it is served."""

    def filter(self, record: logging.LogRecord) -> bool:
        request_id = current_id.get()
        if request_id and not hasattr(record, "request_id"):
            record.request_id = request_id
        return True


class RequestLogMiddleware:
    """Gives each request an id and writes one line for it: no query string, no body, no header, no address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.monotonic()
        offered = request.META.get("HTTP_X_REQUEST_ID", "")
        # An id only distinguishes requests and need not be secret, so random numbers without a system call are enough.
        request.request_id = offered if REQUEST_ID.fullmatch(offered) else f"{random.getrandbits(128):032x}"  # type: ignore[attr-defined]
        served = current_id.set(request.request_id)  # type: ignore[attr-defined]
        response = self.get_response(request)
        current_id.reset(served)
        response.headers["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        logger.info(
            "request",
            extra={
                "request_id": request.request_id,  # type: ignore[attr-defined]
                "method": request.method,
                "path": request.path[:200],
                "status": response.status_code,
                "milliseconds": round((time.monotonic() - started) * 1000, 1),
            },
        )
        return response
