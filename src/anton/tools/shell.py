"""Running commands in the worktree, held by the sandbox.

Each call is a bash of its own. What lasts is the folder that it ends in: bash says it on its way out, behind
a word that the command cannot know beforehand, and it is taken only where it is a folder of the worktree.
Variables do not last. They would have to be in the journal to survive a crash, and what a command exports is
nobody's to keep there.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import signal
from typing import Annotated

from pydantic import Field

from anton.core.errors import SandboxRefused, ToolError
from anton.core.proof import SandboxLevel
from anton.core.shell import ROOT, ending, shown
from anton.core.text import middle_cut, visible
from anton.core.tool import Reach
from anton.ports import Execution
from anton.tools.context import Confinement, ToolContext
from anton.tools.define import tool
from anton.tools.worktree import Worktree, is_folder, standing

MAX_SECONDS = 300.0
"""Of one call; an agent's own limit may end it sooner."""
MAX_COMMAND_CHARACTERS = 20_000
MAX_OUTPUT_CHARACTERS = 16_000
_GRACE_SECONDS = 15.0
"""For starting the sandbox and ending what runs in it."""
_PROGRAM = """\
cd -- "./$1" || exit
exec 9>&1
trap "printf '\\n%s%s\\n' '$2' \\"\\$(builtin pwd -P 2>/dev/null)\\" >&9" EXIT
shift 2
eval "$1"
"""
"""Takes the folder, the word, and the command line."""


@tool(reach=Reach.RUN, seconds=MAX_SECONDS + _GRACE_SECONDS, escapable=True)
async def shell(
    context: ToolContext,
    command: Annotated[str, Field(min_length=1, max_length=MAX_COMMAND_CHARACTERS)],
    seconds: Annotated[float, Field(ge=1, le=MAX_SECONDS)] = 60,
) -> str:
    """Run a bash command line in your worktree; returns what it printed, its exit code and the folder.

    It runs in a sandbox: no network, and nothing but the worktree can be written. `cd` lasts until the next
    call; variables and functions do not. There is no input to read. What still runs in the background at
    the end is ended. Of long output the beginning and the end are returned. Files that are not yours to
    change do not become part of your work, whatever a command does to them.

    Args:
        context: The agent's surroundings.
        command: The command line, at most 20,000 characters. It starts in the folder that the last one
            ended in, at first the root of the repository.
        seconds: Time limit, at most 300.
    """
    terminal = context.terminal
    if terminal is None:
        raise ToolError("there is nowhere to run commands here")
    if "\0" in command:
        raise ToolError("the command holds a NUL character, which no command line can")
    folder, lost = await asyncio.to_thread(_standing, context.worktree, terminal.folder)
    terminal.folder = folder
    word = f"anton-{secrets.token_hex(12)}:"
    bash = ("/bin/bash", "--noprofile", "--norc", "-c", _PROGRAM, "bash", folder, word, command)
    prepared = await terminal.prepare(bash, seconds)
    inside = context.confinement is Confinement.SANDBOX
    execution = await (terminal.sandbox if inside else terminal.unconfined).run(prepared)
    printed, said = _split(execution.output, word)
    terminal.folder, strayed = await asyncio.to_thread(_followed, context.worktree, folder, said)
    text = _told(printed, (*lost, *strayed), execution, seconds, terminal.folder)
    if inside and is_refusal(execution, terminal.sandbox.level):
        raise SandboxRefused(text)
    return text


def is_refusal(execution: Execution, level: SandboxLevel) -> bool:
    """Whether a command failed as one does that a sandbox of this level keeps from network or files.

    It is a guess from the command's own words: it decides whether a person is asked, and holds nothing.
    """
    if execution.exit_code == 0 or level is SandboxLevel.NONE:
        return False
    signs = _REFUSED_LIMITED if level is SandboxLevel.LIMITED else _REFUSED
    return signs.search(execution.output) is not None


_SIGNS = (
    r"network is unreachable|enetunreach|temporary failure in name resolution|eai_again|name or service not"
    r" known|could ?n.t resolve host|could not resolve host|unable to resolve host|getaddrinfo"
    r"|read-only file system|erofs|operation not permitted|\beperm\b"
)
_REFUSED = re.compile(_SIGNS, re.IGNORECASE)
_REFUSED_LIMITED = re.compile(_SIGNS + r"|permission denied|\beacces\b", re.IGNORECASE)
"""Landlock refuses files as their own permissions do (landlock(7))."""


def _split(output: str, word: str) -> tuple[str, str]:
    """What the command printed, and the folder that bash said at its end; empty where it said none."""
    found = re.search(rf"\n{re.escape(word)}([^\n]*)\n", output)
    if found is None:
        return output, ""
    return output[: found.start()] + output[found.end() :], found[1]


def _standing(worktree: Worktree, folder: str) -> tuple[str, tuple[str, ...]]:
    """The folder to start in, and a sentence where the last one is gone."""
    found = standing(worktree, folder)
    return found, (f"The folder {shown(folder)} is gone; this ran in {ROOT}.",) if found != folder else ()


def _followed(worktree: Worktree, folder: str, said: str) -> tuple[str, tuple[str, ...]]:
    """The folder that the next command starts in, and a sentence where it is not the one that was said."""
    if said == ROOT:
        return "", ()
    inside = said.removeprefix(f"{ROOT}/")
    if inside != said and inside.isprintable() and is_folder(worktree, inside):
        return inside, ()
    stays = folder if not folder or is_folder(worktree, folder) else ""
    if not said:
        return stays, ()
    return stays, (f"It ended in a folder outside of {ROOT}; the next command starts in {shown(stays)}.",)


def _told(printed: str, remarks: tuple[str, ...], execution: Execution, seconds: float, folder: str) -> str:
    text = visible(printed)[0].strip("\n")
    shortened = middle_cut(text, MAX_OUTPUT_CHARACTERS, tail=MAX_OUTPUT_CHARACTERS // 2)
    lines = [shortened or "(no output)", *remarks, ending(_outcome(execution, seconds), folder)]
    return "\n".join(lines)


def _outcome(execution: Execution, seconds: float) -> str:
    code = execution.exit_code
    if code is None:
        return f"ended after {seconds:g} s: the time limit"
    if code < 0:
        known = {number.value: number.name for number in signal.Signals}
        return f"killed by {known.get(-code, f'signal {-code}')}"
    return f"exit code {code}"
