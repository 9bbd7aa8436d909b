"""Agents that were given a shell, in whole runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from anton.adapters.model.scripted import Reply, ScriptedModel, Step
from anton.adapters.sandbox.choose import choose
from anton.adapters.sandbox.closed import NoSandbox
from anton.core.event import Source, TurnEnded
from anton.core.letter import QuestionReply
from anton.core.permission import Policy
from anton.core.proof import SandboxLevel
from anton.core.run import Phase, RunState
from anton.ports import ModelRequest
from anton.runs.runner import advance
from tests.crash.test_cut_anywhere import DyingJournal, Killed
from tests.office import CODE_DONE, HONEST, QUICK_COMMAND, QUICK_FILES, RUN, Office
from tests.scenarios.test_questions import asked, run_while

SED = r"sed -i 's/not todo.completed/True/' todo.py"


def ran(command: str) -> Reply:
    """A reply that runs a command."""
    return Reply(calls=(("shell", {"command": command}),))


def with_shell(office: Office, agent: str = "code") -> Office:
    """The office where one agent has a shell."""
    office.specs = tuple(
        replace(spec, tools=(*spec.tools, "shell")) if spec.name == agent else spec for spec in office.specs
    )
    return office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An office whose code agent has a shell."""
    return with_shell(Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND))


async def run(office: Office, **script: Sequence[Step]) -> RunState:
    """The run up to the person's decision."""
    await office.receive()
    return await advance(office.world({**HONEST, **script}), RUN)


async def results(office: Office, agent: str) -> list[str]:
    """What the agent's calls brought."""
    return [
        result.text
        for entry in await office.journal.read(RUN)
        if isinstance(entry.event, TurnEnded) and entry.event.agent == agent
        for result in entry.event.results
    ]


async def test_a_fix_made_by_a_command_is_proved_like_any_other(office: Office) -> None:
    office.sandbox = await choose()
    if not office.sandbox.usable:
        pytest.skip(office.sandbox.description)
    state = await run(office, code=[ran(f"{SED}; git status; cat /etc/shadow"), CODE_DONE, CODE_DONE])
    assert state.phase is Phase.DECIDING
    assert state.proof is not None
    assert state.proof.green
    assert [change.path for change in state.proof.patch.files] == ["todo.py", "tests/test_twice.py"]


async def test_what_is_not_the_agents_to_change_stays_out_of_the_patch_and_is_named(office: Office) -> None:
    mischief = [
        *(
            SED,
            "echo 'def test_x(): pass' > tests/test_todo.py",
            "echo > conftest.py",
            "echo > pyproject.toml",
        ),
        *("mkdir -p .github/workflows", "echo > .github/workflows/ci.yml", "ln -s /etc/passwd passwd"),
        *("mkdir .git", "echo > .git/config", "mkfifo pipe", "echo > json.py"),
    ]
    script = {**HONEST, "code": [ran("; ".join(mischief)), CODE_DONE, CODE_DONE]}
    await office.receive()
    state = await advance(replace(office.world(script), policy=Policy.YOLO), RUN)
    patch = state.proofs[0].patch
    assert [change.path for change in patch.source] == ["todo.py"]
    assert [change.path for change in patch.tests] == ["tests/test_twice.py"]
    named = " ".join(refusal.text for refusal in patch.refused)
    for path in (
        "tests/test_todo.py",
        "conftest.py",
        ".github/workflows/ci.yml",
        "pyproject.toml",
        "passwd",
        "json.py",
    ):
        assert repr(path) in named
    assert ".git/config" not in patch.diff
    assert state.proof is not None
    assert state.proof.instead_of.startswith("code agent changed 'tests/test_todo.py'")


async def test_a_dangerous_command_is_not_run_where_nobody_is_there_to_ask(office: Office) -> None:
    await run(office, code=[ran("rm -rf ."), *HONEST["code"]])
    assert "not carried out" in (await results(office, "code"))[0]


async def test_without_a_sandbox_an_agent_is_told_and_nothing_runs(office: Office) -> None:
    office.sandbox = NoSandbox("a test")
    await run(office, code=[ran(SED), *HONEST["code"][1:]])
    assert "there is no sandbox" in (await results(office, "code"))[0]


async def test_a_worktree_that_nobody_can_keep_is_told_of_and_ends_no_run(office: Office) -> None:
    deep = "(for n in $(seq 700); do mkdir dddddd && cd dddddd; done; touch x); chmod 000 dddddd"
    script = [ran(deep), ran(f"chmod 700 dddddd; rm -rf dddddd; {SED}"), *[CODE_DONE] * 3]
    await office.receive()
    world = replace(office.world({**HONEST, "code": script}), policy=Policy.YOLO)
    state = await advance(world, RUN)
    assert state.phase is Phase.DECIDING
    said = [note.text for note in state.agents["code"].notes if note.source is Source.ANTON]
    assert any("Your worktree cannot be kept" in text for text in said)


@pytest.mark.parametrize(("allowed", "made"), [(True, True), (False, False)])
async def test_a_person_is_asked_whether_what_the_sandbox_refused_may_run_outside(
    office: Office, *, allowed: bool, made: bool
) -> None:
    office.sandbox = await choose()
    if office.sandbox.level is not SandboxLevel.FULL:
        pytest.skip(office.sandbox.description)
    beside = office.folder / "beside"
    refused = "echo 'Read-only file system' >&2; exit 1"
    command = f"test -w {office.folder} || {{ {refused}; }}; echo made > {beside}; mkdir -p d; cd d"
    await office.receive()
    world = replace(
        office.world({**HONEST, "code": [ran(command), *HONEST["code"]]}),
        policy=Policy.ON_FAILURE,
        question_seconds=60.0,
    )
    await run_while(world, asked, QuestionReply("q1", "", allowed=allowed))
    assert beside.exists() is made
    first = (await results(office, "code"))[0]
    assert first.endswith("[exit code 0; now in /repo/d]") is made
    assert ("It was not run outside the sandbox" in first) is not made


MOVED: Mapping[str, Sequence[Step]] = {
    **HONEST,
    "code": [
        ran("mkdir -p new/deep; touch new/deep/x; cd new/deep"),
        ran("pwd -P; rm x; cd ../.."),
        *HONEST["code"],
    ],
}


@pytest.mark.slow
async def test_the_folder_survives_a_crash_anywhere(tmp_path: Path) -> None:
    dies_at, resumed = 1, 0
    while True:
        journal = DyingJournal(dies_at, keeps_it=dies_at % 2 == 0)
        office = with_shell(Office(tmp_path / str(dies_at), journal, QUICK_FILES, command=QUICK_COMMAND))
        try:
            await office.receive()
            await advance(office.world(MOVED), RUN)
        except (Killed, BaseExceptionGroup):
            journal.revive()
            if not await journal.read(RUN):
                await office.receive()
            await advance(office.world(MOVED), RUN)
            resumed += 1
        assert "/repo/new/deep\n[exit code 0; now in /repo]" in await results(office, "code")
        if dies_at > journal.writes or resumed >= 12:
            break
        dies_at += 2 if dies_at < 12 else 3
    assert resumed > 5


async def test_the_folder_survives_a_compression(office: Office) -> None:
    office.specs = tuple(replace(spec, context_tokens=9_000) for spec in office.specs)
    summarised = 0

    def deep(request: ModelRequest) -> Reply:
        nonlocal summarised
        summarised += not any("seq" in str(message) for message in request.messages)
        return ran("pwd -P")

    model = ScriptedModel(
        {
            **HONEST,
            "code": [
                ran("mkdir d; touch d/x; cd d"),
                *[ran(f"seq {n} {n}9999") for n in range(1, 5)],
                deep,
                *HONEST["code"],
            ],
        }
    )
    await office.receive()
    await advance(office.world(model), RUN)
    assert "/repo/d\n[exit code 0; now in /repo/d]" in await results(office, "code")
