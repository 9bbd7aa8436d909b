"""MCP over HTTP, streamable or by server-sent events, with bounded answers.

Source: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import httpx2
from mcp.client import Transport
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from anton.adapters.mcp.server import Endpoint
from anton.adapters.mcp.talk import Talk

MAX_ANSWER_BYTES = 8_000_000
"""Of one answer that is no stream of events; an event may hold 1 MiB, which is the library's limit."""
_EVENTS = "text/event-stream"


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, talk: Talk) -> None:
        self._stream, self._talk = stream, talk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        taken = 0
        async for chunk in self._stream:
            taken += len(chunk)
            if taken > MAX_ANSWER_BYTES:
                self._talk.broken = f"its answer is longer than {MAX_ANSWER_BYTES:,} bytes"
                raise httpx2.ReadError(self._talk.broken)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def http_client(endpoint: Endpoint, talk: Talk, connect_seconds: float, seconds: float) -> httpx2.AsyncClient:
    """A client that sends the endpoint's headers and reads bounded answers.

    Args:
        endpoint: Where it will ask.
        talk: Told of an answer that is refused: the library keeps that to itself.
        connect_seconds: Time limit of connecting.
        seconds: Time limit of a silence.
    """

    async def bound(response: httpx2.Response) -> None:
        # What is compressed could be any size, and was not asked for.
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            talk.broken = "its answer is compressed, which was not asked for"
            raise httpx2.DecodingError(talk.broken, request=response.request)
        if not response.headers.get("content-type", "").lower().startswith(_EVENTS):
            response.stream = _Bounded(cast("httpx2.AsyncByteStream", response.stream), talk)

    return httpx2.AsyncClient(
        headers={**endpoint.headers, "Accept-Encoding": "identity"},
        timeout=httpx2.Timeout(connect_seconds, read=seconds),
        event_hooks={"response": [bound]},
    )


def endpoint_transport(endpoint: Endpoint, client: httpx2.AsyncClient) -> Transport:
    """The two streams of a server; the client is closed by whoever made it, or by the transport of events."""
    if endpoint.events:
        return sse_client(endpoint.url, httpx_client_factory=lambda *_, **__: client)
    return streamable_http_client(endpoint.url, http_client=client)
