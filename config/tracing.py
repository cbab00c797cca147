"""Sends traces with OpenTelemetry to OTEL_EXPORTER_OTLP_ENDPOINT. Without that variable nothing of it is loaded.

The SDK's other variables (OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS, …) work as its
documentation says.
"""

from django.conf import settings
from django.http import HttpRequest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def instrument() -> None:
    """Makes spans of requests and statements; called before Django loads its middlewares."""
    # Probes use any Host, so they are answered earlier. Every other request has its id at this point.
    position = settings.MIDDLEWARE.index("accounts.ops.requests.RequestLogMiddleware") + 1
    DjangoInstrumentor().instrument(middleware_position=position, request_hook=_leave_out_what_is_secret)
    PsycopgInstrumentor().instrument(skip_dep_check=True)


def export() -> None:
    """Sends the spans of this process from its own thread. Called after the fork, which no thread survives."""
    resource = Resource({SERVICE_NAME: "accounts"}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def _leave_out_what_is_secret(span: trace.Span, request: HttpRequest) -> None:
    """The query of links in mails contains keys, and IP addresses are personal data."""
    span.set_attributes({"http.target": request.path, "http.url": request.path, "url.query": "", "net.peer.ip": ""})
    span.set_attribute("accounts.request_id", request.request_id)  # type: ignore[attr-defined]
