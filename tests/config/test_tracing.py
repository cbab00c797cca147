"""Traces reach the configured address, join the caller's trace, and contain no secrets."""

import http.client
import signal
from contextlib import closing

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests import processes
from tests.config.collector import collector
from tests.servers import ON_POSTGRES, free_port, wait_for_port

pytestmark = pytest.mark.django_db(transaction=True)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def ask(port: int, path: str, **headers: str) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
        client.request("GET", path, headers=headers)
        return client.getresponse().status


def test_a_request_and_its_statements_are_spans() -> None:
    port = free_port()
    with collector() as (address, bodies):
        variables = {"WEB_CONCURRENCY": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{address}"}
        with processes.web_server(port, PUBLIC_URL=f"http://127.0.0.1:{port}", **variables) as server:
            wait_for_port(port)
            assert ask(port, "/livez", Host="10.0.0.7") == 200
            asked = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "X-Request-ID": "the-id"}
            assert ask(port, "/.well-known/jwks.json?key=canary-horse-9", **asked) == 200
            assert ask(port, "/.well-known/jwks.json", Host="evil.example") == 400
            server.send_signal(signal.SIGTERM)
            code, said = processes.finish(server)
        assert code == 0, said
    assert b"canary-horse-9" not in b"".join(bodies)
    spans = [
        span
        for body in bodies
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
        if span.trace_id.hex() == TRACE
    ]
    (request,) = [span for span in spans if span.kind == Span.SPAN_KIND_SERVER]
    said_of_it = {attribute.key: attribute.value for attribute in request.attributes}
    assert request.parent_span_id.hex() == "00f067aa0ba902b7"
    assert said_of_it["http.target"].string_value == "/.well-known/jwks.json"
    assert said_of_it["accounts.request_id"].string_value == "the-id"
    assert said_of_it["http.status_code"].int_value == 200
    statements = [span for span in spans if span.parent_span_id == request.span_id]
    assert {span.name for span in statements} == ({"SELECT", "INSERT"} if ON_POSTGRES else set())
