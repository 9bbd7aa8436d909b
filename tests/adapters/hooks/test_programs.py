"""Programs that hear, object, fail, hang, and leave something behind."""

from __future__ import annotations

import asyncio
import json
import os
import select
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.adapters.hooks.programs import MAX_DETAIL_CHARACTERS, MAX_OUTPUT_BYTES, Program, ProgramHooks
from anton.core.event import AgentEnded, AgentOutcome, HookMoment
from anton.core.hook import HookEvent, event_as_json
from anton.core.message import ToolCall
from anton.core.tool import ToolResult
from anton.ports import HookAnswer, HookFailure

CALL = ToolCall("c1", "edit_file", '{"path": "a.py"}')
BEFORE_TOOL = HookEvent(HookMoment.BEFORE_TOOL, "bug-1", "code", "some-model", 3, CALL)
AFTER_TOOL = HookEvent(
    HookMoment.AFTER_TOOL, "bug-1", "code", "some-model", 3, CALL, ToolResult("c1", "edit_file", "Done.")
)
ENDED = AgentEnded("code", AgentOutcome.SUBMITTED, '{"answer": 42}')
AFTER_AGENT = HookEvent(HookMoment.AFTER_AGENT, "bug-1", "code", "some-model", 3, ended=ENDED)
ENV = {"PATH": os.defpath}


def python(text: str, moment: HookMoment = HookMoment.BEFORE_TOOL, **changes: Any) -> Program:
    return Program(moment, (sys.executable, "-ISc", text), **{"seconds": 60.0} | changes)


async def tell(*programs: Program, event: HookEvent = BEFORE_TOOL) -> HookAnswer:
    return await ProgramHooks(programs, ENV).tell(event)


async def heard(folder: Path, event: HookEvent) -> Any:
    told = folder / "told"
    keeps = python(f"import sys; open({str(told)!r}, 'w').write(sys.stdin.read())", event.moment)
    assert await tell(keeps, event=event) == HookAnswer()
    return json.loads(told.read_text())


async def test_a_program_reads_the_event_as_json(tmp_path: Path) -> None:
    common = {"version": 1, "run": "bug-1", "agent": "code", "model": "some-model", "turn": 3}
    called = {"call_id": "c1", "name": "edit_file", "arguments": {"path": "a.py"}}
    assert await heard(tmp_path, BEFORE_TOOL) == common | {"moment": "before_tool", "tool": called}
    assert await heard(tmp_path, AFTER_TOOL) == common | {
        "moment": "after_tool",
        "tool": called,
        "result": {"text": "Done.", "failed": False, "seconds": 0.0},
    }
    assert await heard(tmp_path, AFTER_AGENT) == common | {
        "moment": "after_agent",
        "end": {"outcome": "submitted", "detail": "", "output": {"answer": 42}},
    }


@given(
    st.text() | st.sampled_from(["[" * 5000, '{"a": NaN}', '{"a": 1e999}', '{"\\ud800": 1}', "\ud800", "7"])
)
def test_whatever_a_model_wrote_is_told_as_one_line_of_json(text: str) -> None:
    event = HookEvent(HookMoment.BEFORE_TOOL, "r", "code", "m", 1, ToolCall("c", "grep", text))
    line = event_as_json(event)
    assert line.count(b"\n") == 1
    told = json.loads(line, parse_constant=pytest.fail)["tool"]["arguments"]
    assert isinstance(told, dict) or told == text


async def test_exit_code_2_forbids_the_call_and_its_words_are_the_reason() -> None:
    answer = await tell(
        python("import sys; print('Not on a Friday.\\nAsk \\x1b[31mJo\\x1b[0m.'); sys.exit(2)")
    )
    assert answer == HookAnswer("Not on a Friday.\nAsk Jo.")
    answer = await tell(python("import sys; sys.stderr.write('No.'); sys.exit(2)"))
    assert answer == HookAnswer("No.")


async def test_a_veto_without_words_still_has_a_reason() -> None:
    assert (await tell(python("raise SystemExit(2)"))).veto == f"The hook {sys.executable!r} gave no reason."


async def test_the_first_veto_counts_and_nobody_is_asked_after_it(tmp_path: Path) -> None:
    refuses = python("print('No.'); raise SystemExit(2)")
    writes = python(f"open({str(tmp_path / 'asked')!r}, 'w')")
    answer = await tell(python("raise SystemExit(1)"), refuses, writes)
    assert answer == HookAnswer("No.", (HookFailure(sys.executable, "it ended with code 1"),))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "event", "detail"),
    [
        (python("print('Oh\\n no'); raise SystemExit(7)"), BEFORE_TOOL, "it ended with code 7: Oh no"),
        (python("import os; os.kill(os.getpid(), 9)"), BEFORE_TOOL, "it was ended by signal 9"),
        (
            python("import time; time.sleep(600)", seconds=0.3),
            BEFORE_TOOL,
            "it was still running after 0.3 s and was ended",
        ),
        (
            python("raise SystemExit(2)", HookMoment.AFTER_TOOL),
            AFTER_TOOL,
            "it ended with code 2, which forbids a call, and there is none to forbid",
        ),
    ],
)
async def test_a_program_that_fails_is_named_and_forbids_nothing(
    program: Program, event: HookEvent, detail: str
) -> None:
    assert await tell(program, event=event) == HookAnswer(None, (HookFailure(sys.executable, detail),))


@pytest.mark.parametrize("command", [("/no/such/hook",), ("no-such-hook",), ("\0",), ("/",)])
async def test_a_program_that_cannot_be_started_is_named(command: tuple[str, ...]) -> None:
    answer = await tell(Program(HookMoment.BEFORE_TOOL, command))
    assert answer.veto is None
    assert [failure.command for failure in answer.failures] == [command[0]]
    assert answer.failures[0].detail.startswith("it could not be started: ")
    assert "Errno" not in answer.failures[0].detail


async def test_a_program_hears_only_what_it_is_there_for() -> None:
    refuses = "raise SystemExit(2)"
    others = (
        python(refuses, tools=frozenset({"run_tests"})),
        python(refuses, agents=frozenset({"test"})),
        python(refuses, HookMoment.AFTER_TOOL),
    )
    assert await tell(*others) == HookAnswer()
    fits = python(refuses, tools=frozenset({"edit_file"}), agents=frozenset({"code", "test"}))
    assert (await tell(*others, fits)).veto


async def test_a_program_knows_nothing_of_the_environment_but_what_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("API_KEY", "sk-secret")
    script = "env; pwd; exit 2"
    program = Program(HookMoment.BEFORE_TOOL, ("sh", "-c", script), 60.0, env={"CHANNEL": "#oncall"})
    lines = ((await tell(program)).veto or "").splitlines()
    assert {line.partition("=")[0] for line in lines} <= {
        "PATH",
        "CHANNEL",
        "PWD",
        "SHLVL",
        "_",
        "OLDPWD",
        "/",
    }
    assert {"CHANNEL=#oncall", f"PATH={os.defpath}", "/"} <= set(lines)


async def test_output_is_bounded_however_much_there_is() -> None:
    answer = await tell(python("print('x' * 3_000_000); raise SystemExit(2)"))
    assert answer.veto is not None
    assert len(answer.veto) < MAX_OUTPUT_BYTES + 100
    assert "bytes left out" in answer.veto
    (failure,) = (await tell(python("print('x' * 3_000_000); raise SystemExit(1)"))).failures
    assert len(failure.detail) == MAX_DETAIL_CHARACTERS


async def test_a_program_need_not_read_what_it_is_told() -> None:
    big = HookEvent(
        HookMoment.AFTER_TOOL, "r", "code", "m", 1, CALL, ToolResult("c1", "edit_file", "x" * 1_000_000)
    )
    assert await tell(python("", HookMoment.AFTER_TOOL), event=big) == HookAnswer()


def is_gone(pid: int) -> bool:
    """Whether a process is no more; one that was just killed is given time to close its eyes."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 30.0)[0])
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("end", ["raise SystemExit(0)", "time.sleep(600)"])
async def test_nothing_that_a_program_started_outlives_it(tmp_path: Path, end: str) -> None:
    left = tmp_path / "left"
    script = (
        "import subprocess, time\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(left)!r}, 'w').write(str(child.pid))\n{end}"
    )
    await tell(python(script, seconds=1.0 if "sleep" in end else 60.0))
    started = left.read_text() if left.exists() else ""  # a busy machine may not come so far in a second
    assert not started or is_gone(int(started))


async def test_a_cancelled_program_is_gone_when_the_cancellation_is_through(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    script = f"import os, time; open({str(begun)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    telling = asyncio.create_task(tell(python(script, seconds=60)))
    pid = int(await asyncio.to_thread(begun.read_text))
    telling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await telling
    assert is_gone(pid)
