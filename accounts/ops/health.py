"""Probes for the monitoring of the server: `/livez` and `/readyz`, for any Host, and without a line in the log."""

from collections.abc import Callable
from functools import cache

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from accounts.core import clock, worker
from accounts.services import outbox


class HealthMiddleware:
    """/livez: 200 if the worker answers, even without the database. /readyz: 503 unless the database is there and
    migrated, and after the worker was told to stop.

    It comes before the check of the Host, because probes use an IP address.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in ("/livez", "/readyz"):
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        problem = "" if request.path_info == "/livez" else _problem()
        body: dict[str, str | int] = {"status": "unavailable", "problem": problem} if problem else {"status": "ok"}
        if request.path_info == "/readyz" and not problem:
            # Late mail is no reason to send requests to other workers.
            body["oldest_due_mail_seconds"] = int(outbox.oldest_due(now=clock.now()).total_seconds())
        headers = {"Cache-Control": "no-store"}
        return JsonResponse(body, status=503 if problem else 200, headers=headers)


def _problem() -> str:
    """The reason why the worker cannot serve; "" if it can."""
    if worker.is_stopping:
        return "the server is stopping"
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _is_migrated():
            _is_migrated.cache_clear()
            return "migrations are missing"
    except Error:
        _is_migrated.cache_clear()
        return "the database does not answer"
    return ""


@cache
def _is_migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
