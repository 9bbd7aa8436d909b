"""How long a client may take to say what it wants: one that says it byte by byte keeps nobody's place."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class HurriedProtocol(HttpToolsProtocol):
    """HTTP/1.1 that closes connections whose request's head does not come to its end."""

    head_seconds = 10.0
    """From connecting, or from the first byte of a further request, to the end of a request's head."""
    _hurry: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - as uvicorn has it
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that has begun has to come to its end in time."""
        if self._hurry is None and self._head_is_due():
            self._wait_for_head()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _head_is_due(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait_for_head(self) -> None:
        self._hurry = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None

    def _give_up(self) -> None:
        self._hurry = None
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()
