"""`/metrics`, for Prometheus: a route of the server, and a port of a worker's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import APIRouter, Request, Response
from prometheus_client import start_http_server
from prometheus_client.exposition import choose_encoder

from anton.core.errors import UsageError
from anton.entrypoints.server.access import TheDesk, holder
from anton.entrypoints.server.metrics import Metrics

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def metrics(request: Request, desk: TheDesk) -> Response:
    """All metrics, in whichever of Prometheus' formats the request asks for."""
    if not request.app.state.open_metrics:
        holder(request.app.state.tokens, request.scope["headers"])
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(desk.metrics.registry), headers={"Content-Type": content_type})


@contextmanager
def shown(metrics: Metrics, port: int) -> Iterator[None]:
    """Show metrics at a port of this machine, to this machine, until the context ends; at 0 nowhere.

    Raises:
        UsageError: the port is taken.
    """
    if port == 0:
        yield
        return
    try:
        server, thread = start_http_server(port, "127.0.0.1", metrics.registry)
    except OSError as error:
        raise UsageError(
            f"metrics cannot be shown at 127.0.0.1 port {port}: {(error.strerror or str(error)).lower()}; "
            "set telemetry.metrics_port to another"
        ) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
