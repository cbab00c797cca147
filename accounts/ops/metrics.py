"""`/metrics` for Prometheus with METRICS_TOKEN, for any Host, and without a line in the log."""

import hmac
import os
import time
from collections.abc import Callable, Iterator
from functools import lru_cache

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from accounts.core import clock, metrics
from accounts.services import figures

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
# How long the figures of the database are cached, because counting many sessions takes a while.
FIGURES_SECONDS = 60


class MetricsMiddleware:
    """Counts every request, and answers `/metrics`. It is installed only if METRICS_TOKEN is set."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == "/metrics":
            return _metrics(request)
        started = time.monotonic()
        response = self.get_response(request)
        dialect, operation = _operation(request)
        metrics.REQUESTS.labels(dialect, operation, str(response.status_code)).inc()
        metrics.REQUEST_SECONDS.labels(dialect, operation).observe(time.monotonic() - started)
        return response


def _operation(request: HttpRequest) -> tuple[str, str]:
    """The dialect (also "admin" or "web") and the operation of a request, without any text from the client."""
    match = request.resolver_match
    if match is None:
        return "web", "unknown"
    # The view's place in the code, such as accounts.api.authapi.views.LoginView, or admin:accounts_user_changelist.
    place = match.view_name.split(".")
    dialect = place[2] if place[:2] == ["accounts", "api"] else "admin" if "admin" in match.namespaces else "web"
    method = request.method if request.method in METHODS else "OTHER"
    return dialect, f"{method} {place[-1]}"


def _metrics(request: HttpRequest) -> HttpResponse:
    offered = request.META.get("HTTP_AUTHORIZATION", "").encode()
    if not hmac.compare_digest(offered, f"Bearer {settings.METRICS_TOKEN}".encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"})
    registry = CollectorRegistry()
    registry.register(DatabaseCollector())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        body = generate_latest(registry)
    else:
        body = generate_latest(REGISTRY) + generate_latest(registry)
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


class DatabaseCollector(Collector):
    """Figures of the database, at most a minute old."""

    def collect(self) -> Iterator[Metric]:
        try:
            known = _figures(int(clock.now().timestamp()) // FIGURES_SECONDS)
        except Error:
            yield GaugeMetricFamily("accounts_database_up", "Whether the database answers.", value=0)
            return
        yield GaugeMetricFamily("accounts_database_up", "Whether the database answers.", value=1)
        yield GaugeMetricFamily("accounts_live_sessions", "Sessions that are not ended.", value=known.live_sessions)
        yield GaugeMetricFamily("accounts_due_mails", "Mails that wait for a worker.", value=known.due_mails)
        yield GaugeMetricFamily(
            "accounts_oldest_due_mail_seconds",
            "How long the oldest of them has waited.",
            value=known.oldest_due_mail.total_seconds(),
        )
        yield GaugeMetricFamily("accounts_dead_mails", "Mails that were given up.", value=known.dead_mails)
        if known.signing_key_age is not None:
            yield GaugeMetricFamily(
                "accounts_signing_key_age_seconds",
                "Since when the key signs that signs now.",
                value=known.signing_key_age.total_seconds(),
            )


@lru_cache(maxsize=1)
def _figures(minute: int) -> figures.Figures:
    return figures.read(clock.now())
