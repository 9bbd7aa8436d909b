"""A run's events as they happen, as server-sent events.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from fastapi.sse import EventSourceResponse, format_sse_event

from anton.core.codec import encode_event
from anton.core.errors import AntonError
from anton.core.event import Entry
from anton.core.run import Phase
from anton.entrypoints.server.access import TheDesk, Who
from anton.entrypoints.server.bus import LOOK_SECONDS
from anton.entrypoints.server.desk import Desk
from anton.entrypoints.server.problems import problem, refusals

HEARTBEAT_SECONDS = 15.0
"""Of silence, after which a comment is sent, so that nothing between takes the connection for dead."""
MOST_STREAMS = 200
"""Open at once."""

router = APIRouter(tags=["runs"])


@router.get(
    "/runs/{run}/events",
    response_class=Response,
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "`id` is the event's number, `event` its kind",
        },
        204: {"description": "the run is closed and everything was sent: do not come back"},
        **refusals(
            {401: "nobody who is known", 404: "there is no such run", 422: "no number", 503: "try again"}
        ),
    },
)
async def stream_events(
    desk: TheDesk,
    who: Who,  # noqa: ARG001 - that it is somebody is enough
    run: str,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    last_event_id: Annotated[str, Header(max_length=20)] = "",
) -> Response:
    """A run's events, each once, from the one after Last-Event-ID (or `after`), live until it is closed."""
    if re.fullmatch("[0-9]{1,15}", last_event_id):
        after = int(last_event_id)
    run = await desk.named(run)
    state = await desk.state(run)
    if state.phase is Phase.CLOSED and after >= state.number:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    if desk.streams >= MOST_STREAMS:
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"{MOST_STREAMS} event streams are open, which is all there can be",
        )
    return EventSourceResponse(_stream(desk, run, after), headers={"X-Accel-Buffering": "no"})


async def _stream(desk: Desk, run: str, after: int) -> AsyncIterator[bytes]:
    quiet = 0.0
    desk.streams += 1
    try:
        yield format_sse_event(comment="anton", retry=2_000)
        async with aclosing(desk.bus.follow(desk.world.journal, run, after)) as entries:
            async for entry in entries:
                if entry is not None:
                    quiet = 0.0
                    yield as_event(entry)
                    await asyncio.sleep(0)  # lets a reader who left be noticed
                    if entry.event.kind == "run_closed":
                        return
                elif (quiet := quiet + LOOK_SECONDS) >= HEARTBEAT_SECONDS:
                    quiet = 0.0
                    yield format_sse_event(comment="still here")
    except AntonError as error:
        detail = desk.world.masker.mask(str(error))
        yield format_sse_event(event="broken_off", data_str=json.dumps({"detail": detail}))
    finally:
        desk.streams -= 1


def as_event(entry: Entry) -> bytes:
    """An entry as it goes over the wire: its number, its kind, and itself as JSON."""
    head = json.dumps({"number": entry.number, "at": entry.at.isoformat()})
    body = f'{head[:-1]}, "event": {encode_event(entry.event).decode()}}}'
    return format_sse_event(id=str(entry.number), event=entry.event.kind, data_str=body)
