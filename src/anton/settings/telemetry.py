"""What can be set of how Anton is seen: traces and logs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from anton.settings.fields import Section, Url


class TelemetrySettings(Section):
    """`[telemetry]`: where traces of runs are sent, and a worker's metrics shown."""

    otlp_endpoint: Url | None = None
    """Of a collector that takes OTLP over HTTP, as in `http://127.0.0.1:4318`; without one there are none."""
    metrics_port: Annotated[int, Field(strict=True, ge=0, le=65_535)] = 0
    """Of this machine, where `anton worker` shows its metrics; 0: nowhere. A server shows them itself."""


class LogSettings(Section):
    """`[log]`: what `anton serve` and `anton worker` log, on standard error."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"
