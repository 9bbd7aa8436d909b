"""The `anton` command: what it imports, shows, does, and how it ends."""

from __future__ import annotations

import getpass
import json
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import click
import pytest

from anton.entrypoints.cli import LazyGroup
from tests.entrypoints.shell import Shell, run_id_in
from tests.office import git

pytestmark = pytest.mark.timeout(400)

HEAVY = {"pydantic", "sqlalchemy", "aiohttp", "rich", "asyncio", "anton.app", "anton.core.event"}


@pytest.fixture
def anton(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def assert_delivered(anton: Shell, run: str) -> None:
    demo = anton.home / "demo" / run
    remote = demo / "todo-service.git"
    branch = f"fix/bug-42-{run}"
    assert git(remote, "for-each-ref", "--format=%(refname:short)").split() == [branch, "main"]
    changed = git(remote, "log", "--format=%x00%s", "--name-only", f"main..{branch}").split("\0")[1:]
    assert len(changed) >= 2
    for commit in changed:
        subject, *paths = commit.split("\n")
        assert subject.strip()
        assert len([path for path in paths if path]) == 1, "one file a commit"
    [pull_request] = (anton.home / "pull_requests").glob("*.md")
    body = pull_request.read_text()
    for heading in ("Problem", "Root cause", "Solution", "Files changed", "Tests", "How to verify"):
        assert f"# {heading}" in body
    assert branch in body
    [ticket] = (anton.home / "tickets").glob("*.md")
    assert ticket.name == "BUG-42.md"
    assert "status: closed" in ticket.read_text()
    assert ticket.read_text().count(str(pull_request)) == 1
    reports = anton.cwd / ".oncall_runs" / run
    assert "BUG-42" in (reports / "incident.md").read_text()
    assert json.loads((reports / "proof.json").read_text())["faults"] == []


def only_run(anton: Shell) -> str:
    """The run of the one demo that was laid out."""
    [folder] = (anton.home / "demo").iterdir()
    return folder.name


def test_help_imports_nothing_heavy(anton: Shell) -> None:
    code = (
        "import sys\nfrom anton.__main__ import main\nsys.argv = ['anton', '--help']\n"
        "try:\n    main()\nfinally:\n    print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=anton.environment, capture_output=True, text=True, check=True
    )
    loaded = set(re.findall(r"'([\w.]+)'", done.stderr))
    assert "click" in loaded
    assert not loaded & HEAVY


def test_help_names_every_command(anton: Shell) -> None:
    said = anton("--help")
    assert said.status == 0
    for name in LazyGroup.commands_by_name:
        assert re.search(rf"^  {name} ", said.out, re.MULTILINE), name


@pytest.mark.parametrize("name", list(LazyGroup.commands_by_name))
def test_every_command_that_is_named_is_there(name: str) -> None:
    command = LazyGroup().get_command(click.Context(LazyGroup()), name)
    assert command is not None
    assert command.help


def test_the_installed_command_is_this_one(anton: Shell) -> None:
    script = Path(sys.executable).parent / "anton"
    done = subprocess.run(
        [script, "--version"], env=anton.environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == anton("--version").out
    assert done.stdout.startswith("anton, version ")


def test_an_unknown_command_is_named(anton: Shell) -> None:
    said = anton("fixx")
    assert said.status == 2
    assert "fixx" in said.err
    assert "Traceback" not in said.err


@pytest.mark.slow
def test_without_a_terminal_the_demo_stops_at_the_decision_and_another_process_delivers(anton: Shell) -> None:
    waiting = anton("demo")
    assert waiting.status == 0, waiting.err
    run = run_id_in(waiting.out)
    for command in (f"anton approve {run}", f'anton request-changes {run} "…"', f"anton decline {run}"):
        assert command in waiting.out
    assert "GREEN" in waiting.out
    remote = anton.home / "demo" / run / "todo-service.git"
    assert git(remote, "for-each-ref", "--format=%(refname:short)").split() == ["main"]
    assert run in anton("runs").out
    assert "complete" in anton("show", run).out

    stale = anton("approve", run, "--digest", "00000000")
    assert stale.status == 2
    assert "newer briefing" in stale.err

    approved = anton("approve", run)
    assert approved.status == 0, approved.err
    assert_delivered(anton, run)

    again = anton("approve", run)
    assert again.status == 2
    assert f"you already approved run {run}" in again.err
    assert anton("resume", run).status == 0
    assert_delivered(anton, run)
    assert "delivered" in anton("runs").out.lower()
    assert f"fix/bug-42-{run}" in anton("show", run).out


TEAM = """
[approval]
two_persons = ["**"]
requester_may_approve = true
[approval.people.me]
terminal = ["{user}"]
[approval.people.kim]
slack = ["T024BE7LD/U04PV1N2X"]
[[approval.rules]]
people = [{names}]
"""


@pytest.mark.slow
def test_the_keyboard_passes_the_same_gate_as_everybody(anton: Shell) -> None:
    waiting = anton("demo")
    run = run_id_in(waiting.out)
    remote = anton.home / "demo" / run / "todo-service.git"
    team = anton.folder / "team.toml"

    team.write_text(TEAM.format(user=getpass.getuser(), names='"kim"'))
    refused = anton("approve", run, "--config", str(team))
    assert refused.status == 2
    assert f"may not decide on run {run}: no rule of [approval]" in " ".join(refused.err.split())

    team.write_text(TEAM.format(user=getpass.getuser(), names='"kim", "me"'))
    first = anton("approve", run, "--config", str(team))
    assert first.status == 0, first.err
    assert "another one has to approve it as well" in first.out
    again = anton("approve", run, "--config", str(team))
    assert again.status == 2
    assert "it takes another person's approval" in again.err
    shown = " ".join(anton("show", run).out.split())
    assert "approved; it takes another person as well" in shown
    assert "no rule of [approval]" in shown
    assert git(remote, "for-each-ref", "--format=%(refname:short)").split() == ["main"]

    delivered = anton("approve", run)
    assert delivered.status == 0, "without those rules the machine is its owner's"


@pytest.mark.slow
def test_yes_approves_a_green_proof_without_asking(anton: Shell) -> None:
    done = anton("demo", "--yes")
    assert done.status == 0, done.err
    assert_delivered(anton, only_run(anton))


@pytest.mark.slow
def test_a_declined_run_pushes_nothing(anton: Shell) -> None:
    run = run_id_in(anton("demo").out)
    declined = anton("decline", run, "Not this way.")
    assert declined.status == 0, declined.err
    assert (
        git(anton.home / "demo" / run / "todo-service.git", "branch", "--format=%(refname:short)") == "main\n"
    )
    assert not (anton.home / "pull_requests").exists()
    assert "Not this way." in (anton.cwd / ".oncall_runs" / run / "incident.md").read_text()
    assert anton("request-changes", run, "More.").status == 2


def recorded_request() -> str:
    """What the person of the recording asked for."""
    recording = files("anton.demo").joinpath("recording.jsonl").read_text(encoding="utf-8")
    found = re.search(r"asks for changes:\\n\\n(.*?)\\n\\nThe proof", recording)
    assert found
    return found.group(1)


@pytest.mark.slow
def test_at_a_terminal_one_key_approves(anton: Shell) -> None:
    with anton.terminal("demo") as terminal:
        terminal.until("Your answer")
        terminal.type("a")
        assert terminal.end() == 0, terminal.seen[-3000:]
    assert_delivered(anton, only_run(anton))


@pytest.mark.slow
def test_at_a_terminal_changes_are_asked_for_and_the_renewed_briefing_approved(anton: Shell) -> None:
    with anton.terminal("demo") as terminal:
        terminal.until("Your answer")
        terminal.type("x")
        terminal.until("Your answer")
        terminal.type("r")
        terminal.until("What should change")
        terminal.type(recorded_request())
        renewed = terminal.until("Your answer")
        assert "GREEN" in renewed
        terminal.type("a")
        assert terminal.end() == 0, terminal.seen[-3000:]
    assert_delivered(anton, only_run(anton))


@pytest.mark.slow
def test_at_a_terminal_the_answer_may_be_left_for_later(anton: Shell) -> None:
    with anton.terminal("demo") as terminal:
        terminal.until("Your answer")
        terminal.type("l")
        assert terminal.end() == 0
    run = only_run(anton)
    assert anton("approve", run).status == 0
    assert_delivered(anton, run)
