"""What is remembered of a repository from run to run: Markdown files that a person can read, edit and remove.

One file a run, written when its approval is delivered and never read by the run that wrote it. Agents get the
notes in their opening, marked as data.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from anton.core.errors import OutsideError, UsageError
from anton.core.run import RunState
from anton.core.text import one_line, visible
from anton.core.tool import Prepared
from anton.runs.log import RunLog
from anton.runs.world import World
from anton.system.files import replace_file
from anton.system.naming import folder_name

MAX_FILES = 50
"""That are read, the newest first."""
MAX_CHARACTERS = 4_000
"""Of all notes that an agent is told of."""
_MAX_FILE_BYTES = 20_000


@dataclass(frozen=True, slots=True)
class Kept:
    """What one run left to be remembered."""

    run_id: str
    path: Path
    text: str


def folder_of(home: Path, repository: str) -> Path:
    """Where the notes on a repository are.

    Args:
        home: Anton's state folder.
        repository: Absolute path.
    """
    return home / "memory" / folder_name(repository)


async def keep(world: World, log: RunLog) -> str:
    """Keep what was proposed in an approved run; done again, it puts the same file in the same place.

    Raises:
        OutsideError: the file cannot be written.
    """
    state = log.state
    path = folder_of(world.remembered, state.received.repository) / f"{state.run_id}.md"
    try:
        await asyncio.to_thread(_write, path, _document(state))
    except OSError as error:
        raise OutsideError(f"the notes on the repository cannot be kept in {str(path)!r}: {error}") from error
    return f"{sum(1 for _ in proposed(state))} kept in {path}"


def note_ready(world: World, log: RunLog, note: str) -> Prepared:
    """A note that a person is shown and then keeps; one that is kept already stays as it is."""
    state = log.state
    path = folder_of(world.remembered, state.received.repository) / f"{state.run_id}.md"

    async def carry_out() -> str:
        try:
            await asyncio.to_thread(_add, path, f"# From conversation {state.run_id}\n\n", f"- {note}\n")
        except OSError as error:
            raise OutsideError(
                f"the note on the repository cannot be kept in {str(path)!r}: {error}"
            ) from error
        return f"It is kept in {path}"

    return Prepared(f"remember\nin: {path}\n\n{note}", carry_out)


def proposed(state: RunState) -> Iterator[tuple[str, str]]:
    """Agent and note of all that is proposed in a run."""
    for name, agent in state.agents.items():
        for note in agent.proposed:
            yield name, note


def kept(home: Path, repository: str) -> tuple[Kept, ...]:
    """What is remembered of a repository, the newest first; a file that cannot be read says so itself."""
    folder = folder_of(home, repository)
    try:
        paths = sorted(folder.glob("*.md"), key=lambda path: (-path.lstat().st_mtime, path.name))
    except OSError:
        return ()
    return tuple(Kept(path.stem, path, _read(path)) for path in paths[:MAX_FILES])


def told(home: Path, repository: str) -> str:
    """The notes on a repository as agents are told them; empty where there are none."""
    notes = "\n\n".join(one.text for one in kept(home, repository) if one.text)
    if len(notes) <= MAX_CHARACTERS:
        return notes
    return f"{notes[:MAX_CHARACTERS]}\n… older notes are left out"


def forget(home: Path, repository: str, run_id: str) -> None:
    """Remove what one run left to be remembered.

    Raises:
        UsageError: it left nothing.
        OSError: it cannot be removed.
    """
    for one in kept(home, repository):
        if one.run_id == run_id:
            one.path.unlink(missing_ok=True)
            return
    raise UsageError(
        f"run {run_id!r} left no notes on {repository!r}; see which there are: anton memory --repo PATH"
    )


def _document(state: RunState) -> str:
    decision = state.decision
    by = one_line(decision.who) if decision else "nobody"
    key = one_line(state.received.ticket.key)
    notes = "".join(f"- {note} ({name})\n" for name, note in proposed(state))
    return f"# From run {state.run_id} on {key}, approved by {by} on {state.updated_at:%Y-%m-%d}\n\n{notes}"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, text.encode("utf-8", "replace"))


def _add(path: Path, heading: str, line: str) -> None:
    """Add a line to a file that a person may have changed meanwhile, once."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = path.read_text("utf-8", "replace") if path.exists() else heading
    if line not in known.splitlines(keepends=True):
        replace_file(path, f"{known}{line}".encode("utf-8", "replace"))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES)
    except OSError as error:
        return f"(notes that cannot be read: {error.strerror})"
    return visible(content.decode("utf-8", "replace"))[0].strip()
