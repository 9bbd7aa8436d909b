"""Traces, as the settings have them: to a collector over real HTTP, or a clear word why not."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from anton.app.telemetry import tracing_of
from anton.core.decision import Answer
from anton.core.event import Verb
from anton.runs.runner import advance, answer
from anton.settings import Settings, load_settings
from tests.office import HONEST, QUICK_COMMAND, QUICK_FILES, RUN, Office


def settings(folder: Path, endpoint: str = "") -> Settings:
    return load_settings({"ANTON_HOME": str(folder), "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, folder)


async def test_without_an_endpoint_nobody_traces(tmp_path: Path) -> None:
    async with tracing_of(settings(tmp_path)) as observers:
        assert observers == ()


WITHOUT = """
import asyncio, sys
from pathlib import Path
from anton.app.telemetry import tracing_of
from anton.core.errors import UsageError
from anton.settings import load_settings

sys.modules["opentelemetry.exporter"] = None

async def main():
    folder = Path(sys.argv[1])
    environment = {"ANTON_HOME": str(folder), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    try:
        async with tracing_of(load_settings(environment, folder)):
            print("it went on")
    except UsageError as error:
        print(error)

asyncio.run(main())
"""
"""A machine without the extra `otel`, as imports see it."""


def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout
    assert "environment OTEL_EXPORTER_OTLP_ENDPOINT: " in said
    assert "pip install 'anton[otel]'" in said


@dataclass
class Collector:
    """Whatever takes traces by OTLP over HTTP."""

    asked: set[bytes] = field(default_factory=set)
    spans: dict[bytes, Span] = field(default_factory=dict)

    async def collect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = re.findall(rb"(?i)^content-length: *(\d+)", head, re.MULTILINE)
        request = ExportTraceServiceRequest.FromString(await reader.readexactly(int(lengths[0])))
        self.asked.add(head.splitlines()[0])
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans |= {span.span_id: span for span in scope.spans}
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    def chain(self, name: str) -> list[str]:
        """The first words of a span's name, and of those that it is within, outermost first."""
        span = next(each for each in self.spans.values() if each.name.startswith(name))
        names = [span.name.split()[0]]
        while span.parent_span_id:
            span = self.spans[span.parent_span_id]
            names.insert(0, span.name.split()[0])
        return names


async def test_a_collector_gets_the_spans_of_a_run(tmp_path: Path) -> None:
    collector = Collector()
    office = Office(tmp_path / "office", files=QUICK_FILES, command=QUICK_COMMAND)
    await office.receive()
    async with await asyncio.start_server(collector.collect, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with tracing_of(settings(tmp_path, f"http://127.0.0.1:{port}")) as observers:
            world = replace(office.world(HONEST), observers=observers)
            state = await advance(world, RUN)
            assert state.briefing is not None
            await answer(world, RUN, Answer(Verb.APPROVE, "terminal:tester", state.briefing.digest))
            await advance(world, RUN)
    assert collector.asked == {b"POST /v1/traces HTTP/1.1"}
    assert collector.chain("chat ") == ["run", "invoke_agent", "turn", "chat"]
    assert collector.chain("execute_tool ") == ["run", "invoke_agent", "turn", "execute_tool"]
    chat = next(span for span in collector.spans.values() if span.name.startswith("chat "))
    assert {"gen_ai.request.model", "gen_ai.usage.input_tokens", "gen_ai.agent.name"} <= {
        each.key for each in chat.attributes
    }
