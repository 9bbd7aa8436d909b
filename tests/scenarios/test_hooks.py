"""Whole runs that the operator's programs are told of."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from anton.adapters.hooks.programs import Program, ProgramHooks
from anton.core.event import HookFailed, HookMoment
from anton.core.message import ToolMessage
from anton.core.run import Phase
from anton.runs.runner import advance
from tests.office import CODE_DONE, FIX, HONEST, QUICK_COMMAND, QUICK_FILES, RUN, Office

REFUSES_ONCE = """
import json, os, sys
told = json.load(sys.stdin)
try:
    os.close(os.open(sys.argv[1], os.O_CREAT | os.O_EXCL))
except FileExistsError:
    sys.exit(0)
print('Think again about', told['tool']['arguments']['path'])
sys.exit(2)
"""
WRITES = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"


def python(moment: HookMoment, text: str, *arguments: str) -> Program:
    return Program(moment, (sys.executable, "-ISc", text, *arguments), 30.0)


def office(folder: Path, *programs: Program) -> Office:
    hooks = ProgramHooks(programs, {"PATH": os.defpath})
    return Office(folder, files=QUICK_FILES, command=QUICK_COMMAND, hooks=hooks)


async def test_an_agent_reads_why_its_call_was_forbidden_and_goes_on(tmp_path: Path) -> None:
    guard = python(HookMoment.BEFORE_TOOL, REFUSES_ONCE, str(tmp_path / "asked"))
    only = replace(guard, tools=frozenset({"edit_file"}), agents=frozenset({"code"}))
    place = office(tmp_path / "office", only)
    await place.receive()
    state = await advance(place.world({**HONEST, "code": [FIX, FIX, CODE_DONE]}), RUN)
    results = [m.text for m in state.agents["code"].messages if isinstance(m, ToolMessage)]
    assert results[0] == (
        "Not carried out: a rule of the operator forbids this call. Think again about todo.py"
    )
    assert state.proof is not None
    assert state.proof.green


async def test_hooks_that_fail_are_in_the_journal_and_the_run_ends_as_without_them(tmp_path: Path) -> None:
    told = tmp_path / "told"
    place = office(
        tmp_path / "office",
        replace(
            python(HookMoment.BEFORE_AGENT, "raise SystemExit('no network')"), agents=frozenset({"triage"})
        ),
        python(HookMoment.AFTER_AGENT, WRITES, str(told)),
    )
    await place.receive()
    state = await advance(place.world(), RUN)
    assert (state.phase, state.proof and state.proof.green) == (Phase.DECIDING, True)
    events = [entry.event for entry in await place.journal.read(RUN)]
    assert [event for event in events if isinstance(event, HookFailed)] == [
        HookFailed("triage", HookMoment.BEFORE_AGENT, sys.executable, "it ended with code 1: no network")
    ]
    heard = [json.loads(line) for line in told.read_text().splitlines()]
    assert sorted(event["agent"] for event in heard) == ["code", "pr", "pr", "test", "triage"]
    assert {(event["run"], event["end"]["outcome"]) for event in heard} == {(RUN, "submitted")}
