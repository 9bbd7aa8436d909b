"""Traces of runs, where the settings say where to."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

from anton.core.errors import UsageError
from anton.runs.log import Observer
from anton.settings import Settings


@asynccontextmanager
async def tracing_of(settings: Settings) -> AsyncIterator[tuple[Observer, ...]]:
    """Who traces the runs of this process; nobody where no endpoint is set.

    Raises:
        UsageError: an endpoint is set, and what it takes to send traces is not installed.
    """
    endpoint = settings.telemetry.otlp_endpoint
    if endpoint is None:
        yield ()
        return
    try:
        otlp = import_module("anton.adapters.telemetry.otlp")
    except ModuleNotFoundError as error:
        origin = settings.origin("telemetry", "otlp_endpoint")
        raise UsageError(
            f"{origin}: telemetry.otlp_endpoint is set, and {error.name!r}, which sends traces, is not "
            "installed: pip install 'anton[otel]', or unset it"
        ) from error
    tracing = otlp.tracing_to(endpoint, f"{socket.gethostname()}/{os.getpid()}")
    try:
        yield (tracing.follow,)
    finally:
        await tracing.close()
