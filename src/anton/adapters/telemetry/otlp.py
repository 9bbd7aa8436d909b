"""Sends traces by OTLP over HTTP, to a collector or whatever else takes them.

The SDK itself reads the variables that OpenTelemetry has for headers, certificates and timeouts
(OTEL_EXPORTER_OTLP_HEADERS …). Source: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
"""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from anton.adapters.telemetry.tracing import Tracing

SECONDS = 5.0
"""For one attempt; at its end Anton waits so long for the last of them."""


def tracing_to(endpoint: str, instance: str) -> Tracing:
    """Traces that are sent to an endpoint, such as `http://127.0.0.1:4318`."""
    return Tracing(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=SECONDS), instance)
