"""Hooks as programs of the operator, named in the settings and nowhere else.

    exit 0          go on
    exit 2          before a tool: the call is not carried out, and what the program wrote is the reason
    anything else   the hook failed; so it did if it cannot be started, or is still running at its time limit

A program reads the event on its stdin. It gets a session and process group of its own, which ends with it;
an environment of three variables and what the settings add; and `/` as its working directory, so that nothing
in the folder that Anton was started in can take the place of what it names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from anton.core.agent import principal
from anton.core.event import HookMoment
from anton.core.hook import HookEvent, event_as_json
from anton.core.text import visible
from anton.ports import HookAnswer, HookFailure
from anton.system.child import child
from anton.system.descriptors import DrainedPipe, memory_file

VETO = 2
"""The exit code that forbids a call."""
MAX_OUTPUT_BYTES = 4_000
"""Of stdout and stderr together."""
MAX_DETAIL_CHARACTERS = 300
_DRAIN_SECONDS = 1.0
"""For output that a program's ended group still has in the pipe."""


@dataclass(frozen=True, slots=True)
class Program:
    """One hook as the settings name it."""

    moment: HookMoment
    command: tuple[str, ...]
    """The program, by absolute path or by its name on PATH, and its arguments."""
    seconds: float = 5.0
    """Time limit."""
    tools: frozenset[str] = frozenset()
    """It hears of these only; empty for all."""
    agents: frozenset[str] = frozenset()
    """It hears of these only; empty for all."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to its environment."""

    def wants(self, event: HookEvent) -> bool:
        """Whether it is to be told."""
        return (
            event.moment is self.moment
            and (not self.agents or principal(event.agent) in self.agents)
            and (event.call is None or not self.tools or event.call.name in self.tools)
        )


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a program ended."""

    code: int | None
    """None where it was ended at its time limit; negative for a signal."""
    output: str


class ProgramHooks:
    """Runs the programs that want to hear of an event, one after the other.

    Args:
        programs: in the order in which they are told.
        env: what each of them is given besides its own variables.
    """

    def __init__(self, programs: Sequence[Program], env: Mapping[str, str]) -> None:
        self._programs = tuple(programs)
        self._env = dict(env)

    @property
    def description(self) -> str:
        """The programs by moment."""
        return ", ".join(f"{p.moment}: {p.command[0]}" for p in self._programs) or "none"

    async def tell(self, event: HookEvent) -> HookAnswer:
        """Tell them, until one forbids the call."""
        wanted = [program for program in self._programs if program.wants(event)]
        if not wanted:
            return HookAnswer()
        text = event_as_json(event)
        failures: list[HookFailure] = []
        for program in wanted:
            try:
                ended = await _run(program, text, {**self._env, **program.env})
            except (OSError, ValueError) as error:  # ValueError: a NUL in a word
                reason = error.strerror if isinstance(error, OSError) else error
                failures.append(HookFailure(program.command[0], f"it could not be started: {reason}"))
                continue
            if ended.code == VETO and event.moment is HookMoment.BEFORE_TOOL:
                reason = ended.output or f"The hook {program.command[0]!r} gave no reason."
                return HookAnswer(reason, tuple(failures))
            if ended.code != 0:
                failures.append(HookFailure(program.command[0], _why(program, ended)))
        return HookAnswer(None, tuple(failures))


def _why(program: Program, ended: _Ended) -> str:
    if ended.code is None:
        what = f"it was still running after {program.seconds:g} s and was ended"
    elif ended.code < 0:
        what = f"it was ended by signal {-ended.code}"
    elif ended.code == VETO:
        what = f"it ended with code {VETO}, which forbids a call, and there is none to forbid"
    else:
        what = f"it ended with code {ended.code}"
    said = " ".join(ended.output.split())
    return f"{what}: {said}"[:MAX_DETAIL_CHARACTERS] if said else what


async def _run(program: Program, text: bytes, env: Mapping[str, str]) -> _Ended:
    """One program from start to end; nothing of its process group is left.

    Raises:
        OSError: it could not be started.
    """
    code = None
    with memory_file(text) as stdin, DrainedPipe(MAX_OUTPUT_BYTES) as output:
        pipe = output.writing
        async with child(*program.command, env=env, stdin=stdin, stdout=pipe, stderr=pipe) as process:
            output.hand_over()
            with suppress(TimeoutError):
                async with asyncio.timeout(program.seconds):
                    code = await process.wait()
        await asyncio.wait((output.ended,), timeout=_DRAIN_SECONDS)
    said = output.kept().decode("utf-8", "replace")
    return _Ended(code, visible(said)[0].strip())
