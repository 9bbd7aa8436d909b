"""`/metrics`, for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import choose_encoder

from anton.entrypoints.server.access import TheDesk, holder

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def metrics(request: Request, desk: TheDesk) -> Response:
    """All metrics, in whichever of Prometheus' formats the request asks for."""
    if not request.app.state.open_metrics:
        holder(request.app.state.tokens, request.scope["headers"])
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(desk.metrics.registry), headers={"Content-Type": content_type})
