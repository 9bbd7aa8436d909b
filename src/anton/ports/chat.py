"""Where those who are on call are told of a run."""

from __future__ import annotations

from typing import Protocol

from anton.core.run import RunState


class Chat(Protocol):
    """Where a run's message stands, for those who are on call: one message a run, edited in place."""

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        ...

    async def show(self, state: RunState, message: str) -> str:
        """Make the run's message say where the run stands.

        Args:
            state: What to show; the same state shown twice changes nothing.
            message: What an earlier call returned; empty where there is no message that is known of, and
                then it is looked for before one is made.

        Returns:
            The message's name, such as a channel and a time stamp, to be kept in the journal.

        Raises:
            OutsideError: the chat is out of reach or refused.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
