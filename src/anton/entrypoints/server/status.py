"""How the server is, for those who watch it. Open to whoever reaches it: it tells no secret and no run."""

from __future__ import annotations

from fastapi import APIRouter, Request

from anton import __version__
from anton.entrypoints.server.access import TheDesk
from anton.entrypoints.server.shapes import Health, SideShape

router = APIRouter(tags=["server"])


@router.get("/health")
async def health(request: Request, desk: TheDesk) -> Health:
    """Status, how many runs are worked on, queued, and wait for a person; the sandbox; each port's side."""
    sides = request.app.state.sides
    return Health(
        status="ok" if all(side.good for side in sides) else "degraded",
        active_runs=desk.queue.running,
        queued_runs=desk.queue.waiting,
        waiting_runs=desk.metrics.runs.waiting,
        version=__version__,
        sandbox=desk.world.sandbox.description,
        sides=tuple(SideShape(name=side.name, good=side.good, detail=side.detail) for side in sides),
    )
