"""Traces, as the settings have them: to a collector over real HTTP, or a clear word why not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from anton.app.telemetry import tracing_of
from anton.core.errors import UsageError
from anton.runs.runner import advance
from anton.settings import Settings, load_settings
from tests.office import HONEST, QUICK_COMMAND, QUICK_FILES, RUN, Office

INSTALLED = find_spec("opentelemetry.exporter") is not None
"""Whether the extra `otel` is there."""


def settings(folder: Path, endpoint: str = "") -> Settings:
    return load_settings({"ANTON_HOME": str(folder), "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, folder)


async def test_without_an_endpoint_nobody_traces(tmp_path: Path) -> None:
    async with tracing_of(settings(tmp_path)) as observers:
        assert observers == ()


@pytest.mark.skipif(INSTALLED, reason="the extra `otel` is installed")
async def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"environment OTEL_EXPORTER_OTLP_ENDPOINT: .* pip install 'anton\[otel\]'"
    ):
        async with tracing_of(settings(tmp_path, "http://127.0.0.1:4318")):
            raise AssertionError("it went on")


@pytest.mark.skipif(not INSTALLED, reason="the extra `otel` is not installed")
async def test_a_collector_gets_the_spans_of_a_run(tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def collect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.splitlines()
            if line.lower().startswith(b"content-length")
        )
        await reader.readexactly(length)
        asked.append(head.splitlines()[0])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    office = Office(tmp_path / "office", files=QUICK_FILES, command=QUICK_COMMAND)
    await office.receive()
    async with await asyncio.start_server(collect, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with tracing_of(settings(tmp_path, f"http://127.0.0.1:{port}")) as observers:
            await advance(replace(office.world(HONEST), observers=observers), RUN)
    assert set(asked) == {b"POST /v1/traces HTTP/1.1"}
