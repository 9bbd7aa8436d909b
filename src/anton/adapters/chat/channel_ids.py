"""Which id Slack has for a channel that the settings name by its name, as Slack told it with a post.

A channel can be posted to by its name, but be read by its id only, and asking for the id takes a scope that
Anton does without. So the id is kept from the first post on: a post that was made and not written down is
then found also where Anton was killed right after it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from anton.system.files import replace_file

_KEPT = TypeAdapter(dict[str, str])


class ChannelIds:
    """Channel names and their ids, in a file of the state folder.

    The file is only a memory: without it, or with one that cannot be read or written, ids are learned anew.

    Args:
        path: None: nothing outlives the process.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, str] | None = None

    async def id_of(self, channel: str) -> str:
        """The id of a channel as far as it is known, else what was given, which may be an id."""
        if self._known is None:
            self._known = await asyncio.to_thread(_read, self._path)
        return self._known.get(channel, channel)

    async def learn(self, channel: str, channel_id: str) -> None:
        """Keep what a channel's id is."""
        if await self.id_of(channel) == channel_id or self._known is None:
            return
        self._known[channel] = channel_id
        await asyncio.to_thread(_write, self._path, dict(self._known))


def _read(path: Path | None) -> dict[str, str]:
    try:
        return _KEPT.validate_json(path.read_bytes()) if path else {}
    except (OSError, ValidationError):
        return {}


def _write(path: Path | None, known: dict[str, str]) -> None:
    try:
        if path is not None:
            replace_file(path, _KEPT.dump_json(known))
    except OSError:
        return  # the post is made, and what it is called must not get lost for this
