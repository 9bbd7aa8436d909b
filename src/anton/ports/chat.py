"""Where those who are on call are told of a run."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

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


@runtime_checkable
class Board(Protocol):
    """What a chat can do besides on which a person, through an agent, says something that is of no run."""

    @property
    def place(self) -> str:
        """Where it is said, for the person who is asked first."""
        ...

    async def post(self, text: str, marker: str) -> str:
        """Say something, once for each marker; returns where to look.

        Args:
            text: Plain: nothing in it is markup, mentions or links; at most `MAX_POST_CHARACTERS`.
            marker: Letters, digits and hyphens; it stays with the post, by which it is found again.

        Raises:
            OutsideError: the chat is out of reach or refused. Where that is not known, it may be said.
        """
        ...


MAX_POST_CHARACTERS = 2_000
"""Of one post, so that every chat shows it whole."""
