import logging
import time
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

logger = logging.getLogger("accounts.statements")


class StatementLogMiddleware:
    """Writes one line for each SQL statement of a request, without its parameters: they may be secrets."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with connection.execute_wrapper(_log):
            return self.get_response(request)


def _log(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    started = time.monotonic()
    try:
        return execute(sql, params, many, context)
    finally:
        milliseconds = round((time.monotonic() - started) * 1000, 1)
        logger.info("statement", extra={"milliseconds": milliseconds, "sql": " ".join(sql.split())})
