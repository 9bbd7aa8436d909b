"""Hands the spans of runs to the SDK of OpenTelemetry, with their own numbers and times.

Needs the extra `otel`. Source: https://opentelemetry.io/docs/specs/otel/trace/sdk/
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from anton import __version__
from anton.core.event import Entry
from anton.core.run import RunState
from anton.views.trace.projection import RunSpans
from anton.views.trace.span import Span

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _GivenIds(IdGenerator):
    """The numbers that the next span is to have."""

    def __init__(self) -> None:
        self.trace = self.span = 1

    def generate_trace_id(self) -> int:
        return self.trace

    def generate_span_id(self) -> int:
        return self.span


class Tracing:
    """Traces of all runs of this process.

    Args:
        exporter: Where spans go; it is called in a thread of its own, and its failures end nothing.
        instance: Name of this process among all that send to the same place.
    """

    def __init__(self, exporter: SpanExporter, instance: str) -> None:
        self._ids = _GivenIds()
        resource = Resource.create(
            {"service.name": "anton", "service.version": __version__, "service.instance.id": instance}
        )
        self._provider = TracerProvider(
            sampler=ALWAYS_ON, resource=resource, id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("anton", __version__)

    def follow(self, written: Sequence[Entry]) -> _Follower:
        """Look on at a run of which these entries are written; their spans were handed on when they were."""
        spans = RunSpans()
        for entry in written:
            spans.see(entry)
        return _Follower(self, spans)

    def record(self, span: Span) -> None:
        """Hand on one span; it waits for nothing."""
        self._ids.trace, self._ids.span = span.trace, span.id
        parent = NonRecordingSpan(
            SpanContext(
                span.trace, span.parent or 0, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)
            )
        )
        recorded = self._tracer.start_span(
            span.name,
            context=set_span_in_context(parent),
            kind=SpanKind.CLIENT if span.calls_out else SpanKind.INTERNAL,
            attributes=span.attributes,
            start_time=_nanoseconds(span.started_at),
        )
        for happening in span.happenings:
            recorded.add_event(happening.name, happening.attributes, _nanoseconds(happening.at))
        if span.error:
            recorded.set_status(Status(StatusCode.ERROR, span.error))
        recorded.end(_nanoseconds(span.ended_at))

    async def close(self) -> None:
        """Send what waits, and end."""
        await asyncio.to_thread(self._provider.shutdown)


class _Follower:
    """A watcher of one run."""

    def __init__(self, tracing: Tracing, spans: RunSpans) -> None:
        self._tracing, self._spans = tracing, spans

    def __call__(self, entry: Entry, state: RunState) -> None:  # noqa: ARG002 - a watcher's signature
        for span in self._spans.see(entry):
            self._tracing.record(span)


def _nanoseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1) * 1_000
