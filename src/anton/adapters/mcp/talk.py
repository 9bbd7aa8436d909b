"""What a server said beside the protocol."""

from __future__ import annotations

from collections.abc import Callable

from anton.core.text import one_line


class Talk:
    """What a server said beside the protocol, for the sentence about why it failed."""

    def __init__(self) -> None:
        self.broken = ""
        """What it did that no server may."""
        self.garbage = ""
        """The first line that was no message."""
        self.errors: Callable[[], bytes] = bytes
        self.garbage_lines = 0

    def why(self) -> str:
        """What is known, in one line; empty where it said nothing."""
        said = one_line(self.errors().decode("utf-8", "replace"))
        found = [self.broken, self.garbage and f"it wrote what is no message: {self.garbage!r}"]
        found += [f"its stderr: {said[-400:]}" if said else ""]
        return "; ".join(filter(None, found))
