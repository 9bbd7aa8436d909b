"""Server-sent events out of bytes that arrive in pieces of any size.

Only what a chat-completions endpoint uses: the data of each event. Comments and the other fields are skipped.
Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

from anton.core.errors import ModelError

MAX_EVENT_BYTES = 2_000_000
"""Of one line, and of all data lines of one event together."""


class EventStream:
    """Cuts a stream into events; where the pieces end makes no difference to what comes out."""

    def __init__(self) -> None:
        self._unfinished: list[bytes] = []
        self._data: list[bytes] = []
        self._unfinished_bytes = 0
        self._data_bytes = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of all events that the piece completes.

        Raises:
            ModelError: a line or an event is larger than `MAX_EVENT_BYTES`.
        """
        self._unfinished_bytes += len(piece)
        if b"\n" not in piece and b"\r" not in piece:
            self._unfinished.append(piece)
            self._check_size()
            return []
        text = b"".join([*self._unfinished, piece])
        held = b""
        if b"\r" in text:
            if text.endswith(b"\r"):  # the first half of a CRLF, perhaps
                text, held = text[:-1], b"\r"
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = text.split(b"\n")
        self._unfinished = [lines.pop() + held]
        self._unfinished_bytes = len(self._unfinished[0])
        events = self._take(lines)
        self._check_size()
        return events

    def end(self) -> list[bytes]:
        """What is left when the stream ends without a last empty line."""
        return self.feed(b"\n\n")

    def _take(self, lines: list[bytes]) -> list[bytes]:
        events: list[bytes] = []
        data = self._data
        for line in lines:
            if not line:
                if data:
                    events.append(data[0] if len(data) == 1 else b"\n".join(data))
                    data.clear()
                    self._data_bytes = 0
            elif line.startswith(b"data:"):
                data.append(line[6:] if line.startswith(b"data: ") else line[5:])
                self._data_bytes += len(line)
                self._check_size()
            elif line == b"data":
                data.append(b"")
        return events

    def _check_size(self) -> None:
        if self._data_bytes > MAX_EVENT_BYTES or self._unfinished_bytes > MAX_EVENT_BYTES:
            raise ModelError(
                f"the model's endpoint sent one event of more than {MAX_EVENT_BYTES:,} bytes; "
                "check that BASE_URL names a chat-completions endpoint"
            )
