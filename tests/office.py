"""A whole Anton for tests: real git, real test runs, a scripted model, everything else embedded.

The repository is a small one whose `complete()` toggles, the scripts are what honest agents would do with it;
each scenario changes what it is about.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from anton.adapters.chat.local import LocalChat
from anton.adapters.ci.none import NoCI
from anton.adapters.forge.local import LocalForge
from anton.adapters.hooks.none import NoHooks
from anton.adapters.journal.memory import MemoryJournal
from anton.adapters.model.scripted import Reply, ScriptedModel, Step
from anton.adapters.repository.git import GitRepository
from anton.adapters.repository.mirror import create_bare
from anton.adapters.sandbox.closed import UnconfinedSandbox
from anton.adapters.tracker.local import LocalTracker
from anton.agents.roster import roster
from anton.app import equip
from anton.core.agent import AgentSpec
from anton.core.approval import ApprovalRules
from anton.core.event import RunReceived
from anton.core.suite_options import SuiteOptions
from anton.core.ticket import Ticket
from anton.ports import Hooks, Journal, Model, Sandbox
from anton.proving.declarations import Declared
from anton.proving.environment import Environments
from anton.proving.presets import plan_for
from anton.proving.programs import Machine
from anton.runs.budget import Budget
from anton.runs.runner import receive
from anton.runs.world import Planned, World

RUN = "r1"
BUGGY = """class Todo:
    def __init__(self):
        self.completed = False


def complete(todo):
    todo.completed = not todo.completed
"""
OLD_TEST = """from todo import Todo, complete


def test_complete():
    todo = Todo()
    complete(todo)
    assert todo.completed
"""
NEW_TEST = """from todo import Todo, complete


def test_completing_twice_stays_completed():
    todo = Todo()
    complete(todo)
    complete(todo)
    assert todo.completed
"""
QUICK_RUNNER = """import glob, importlib.util, sys, traceback
from html import escape
sys.path.insert(0, '.')
rows = []
for path in sorted(glob.glob('tests/test_*.py')):
    module = importlib.util.spec_from_file_location(path[:-3].replace('/', '.'), path)
    loaded = importlib.util.module_from_spec(module)
    module.loader.exec_module(loaded)
    for name in sorted(n for n in vars(loaded) if n.startswith('test')):
        inner = ''
        try:
            vars(loaded)[name]()
        except Exception as error:
            inner = f'<failure message="{escape(repr(error))}"/>'
        rows.append(f'<testcase classname="{escape(module.name)}" name="{escape(name)}">{inner}</testcase>')
open('report.xml', 'w').write('<testsuite>' + ''.join(rows) + '</testsuite>')
sys.exit(any('<failure' in row for row in rows))
"""
QUICK_COMMAND = ("python", "-I", "-S", "quick.py")
"""A test runner that starts in a tenth of pytest's time, for tests that make many runs."""
QUICK_FILES = {"todo.py": BUGGY, "tests/test_todo.py": OLD_TEST, "quick.py": QUICK_RUNNER}


def quick_settings(reports: Path) -> str:
    """The same as an anton.toml, for Anton as a program: with a quick proof, and reports in a folder."""
    return f"""
[tests]
python = "{sys.executable}"
command = {json.dumps(QUICK_COMMAND)}
report = "report.xml"
[run]
reports = "{reports}"
[proof]
mutation_seconds = 0
culprit_seconds = 0
"""


NO_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""pytest alone starts in a third of the time that it takes with the plugins of Anton's developers."""

TICKET = Ticket("BUG-42", "To-dos come back", "Tapping Done twice brings the to-do back.", "Jo", "local")

FIX = Reply(calls=(("edit_file", {"path": "todo.py", "old": "not todo.completed", "new": "True"}),))
WRONG_FIX = Reply(calls=(("edit_file", {"path": "todo.py", "old": "not todo.completed", "new": "False"}),))
ADD_TEST = Reply(calls=(("write_file", {"path": "tests/test_twice.py", "content": NEW_TEST}),))

TRIAGED = Reply(
    calls=(
        (
            "submit",
            {
                "priority": "P2",
                "component": "todo",
                "summary": "Completing twice undoes the completion.",
                "acceptance_criteria": ["Completing a completed to-do leaves it completed."],
                "edge_cases": ["Completing three times."],
            },
        ),
    )
)
CODE_DONE = Reply(
    calls=(
        (
            "submit",
            {
                "root_cause": "complete() in todo.py toggles the flag.",
                "solution": "It sets the flag.",
                "files": [{"path": "todo.py", "why": "Keep a completed to-do completed"}],
            },
        ),
    )
)
TESTS_DONE = Reply(
    calls=(
        (
            "submit",
            {
                "covered": ["Completing twice leaves the to-do completed."],
                "files": [{"path": "tests/test_twice.py", "why": "Show that completing twice holds"}],
                "diagnosis": "The flag is toggled.",
            },
        ),
    )
)


def written_up(title: str) -> Reply:
    """The pr agent's submission under some title."""
    text = {
        "title": title,
        "problem": "To-dos came back.",
        "root_cause": "The flag was toggled.",
        "solution": "It is set.",
        "how_to_verify": ["Complete a to-do twice."],
    }
    return Reply(calls=(("submit", text),))


HONEST: Mapping[str, Sequence[Step]] = {
    "triage": [TRIAGED],
    "code": [Reply(calls=(("read_file", {"path": "todo.py"}),)), FIX, CODE_DONE],
    "test": [Reply(calls=(("list_dir", {}),)), ADD_TEST, FIX, TESTS_DONE],
    "pr": [written_up("Draft"), written_up("Keep completed to-dos completed")],
}
"""A run that is proved green in its first round."""


def git(folder: Path, *arguments: str) -> str:
    """The real git, away from anybody's settings."""
    return subprocess.run(
        ["git", "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={
            "PATH": "/usr/bin:/bin:/usr/local/bin",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@b",
            "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@b",
            "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
            "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
        },
    ).stdout


def make_repository(folder: Path, files: Mapping[str, str] | None = None) -> Path:
    """A committed repository on branch `main`, without a remote."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    for name, text in (files or {"todo.py": BUGGY, "tests/test_todo.py": OLD_TEST}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Add to-dos")
    return folder


class StepClock:
    """A clock that goes on by a second each time it is read."""

    def __init__(self) -> None:
        self._seconds = itertools.count()

    def __call__(self) -> datetime:
        return datetime(2026, 11, 25, 2, 0, tzinfo=UTC) + timedelta(seconds=next(self._seconds))


@dataclass
class Office:
    """One machine with one repository; each `world` is one process on it."""

    folder: Path
    journal: Journal = field(default_factory=MemoryJournal)
    files: Mapping[str, str] | None = None
    sandbox: Sandbox = field(default_factory=lambda: UnconfinedSandbox("a test"))
    hooks: Hooks = field(default_factory=NoHooks)
    specs: tuple[AgentSpec, ...] = field(default_factory=roster)
    command: tuple[str, ...] = ()
    timeout_seconds: float = 60.0
    package_sources: Mapping[str, str] = field(default_factory=dict)
    mutation_seconds: float = 0.0
    culprit_seconds: float = 0.0
    clock: StepClock = field(default_factory=StepClock)
    approval: ApprovalRules = field(default_factory=ApprovalRules)

    def __post_init__(self) -> None:
        self.checkout = make_repository(self.folder / "checkout", self.files)
        self.remote = self.folder / "remote.git"
        self.home = self.folder / "home"

    def world(
        self, script: Mapping[str, Sequence[Step]] | Model = HONEST, budget: Budget = Budget()
    ) -> World:
        """A process that plays this script."""
        model = ScriptedModel(script) if isinstance(script, Mapping) else script
        return World(
            journal=self.journal,
            model=model,
            sandbox=self.sandbox,
            tracker=LocalTracker(self.home / "tickets"),
            forge=LocalForge(self.home / "pull_requests"),
            chat=LocalChat(self.home / "messages"),
            ci=NoCI(),
            hooks=self.hooks,
            repository=lambda path: GitRepository(Path(path), self.home / "mirror.git"),
            remote=self._remote,
            plan=self._plan,
            environments=Environments(
                self.environments, self.sandbox, Machine(Path(sys.executable)), self.package_sources
            ),
            specs=self.specs,
            equip=equip,
            home=self.home,
            clock=self.clock,
            budget=budget,
            approval=self.approval,
            mutation_seconds=self.mutation_seconds,
            culprit_seconds=self.culprit_seconds,
        )

    @property
    def environments(self) -> Path:
        """Folder of what the tests depend on."""
        return self.home / "environments"

    def _plan(self, declared: Declared, settled: SuiteOptions | None) -> Planned:
        options = settled or SuiteOptions(
            python=sys.executable,
            command=self.command,
            report="report.xml" if self.command else "",
            timeout_seconds=self.timeout_seconds,
        )
        plan = plan_for(
            declared.files,
            Path(options.python),
            texts=declared.texts,
            environments=self.environments,
            command=options.command,
            report=options.report,
            timeout_seconds=options.timeout_seconds,
            env=NO_PLUGINS,
        )
        return Planned(plan, options)

    async def _remote(self, repository: str, origin: str) -> str:
        if not self.remote.exists():
            await create_bare(self.remote)
        return str(self.remote)

    def with_limits(self, **changes: tuple[int, float]) -> None:
        """Other limits (turns, seconds) for some agents."""
        self.specs = tuple(
            replace(spec, turns=changes[spec.name][0], seconds=changes[spec.name][1])
            if spec.name in changes
            else spec
            for spec in self.specs
        )

    def received(self, run_id: str = RUN, ticket: Ticket = TICKET, **changes: object) -> RunReceived:
        """What starts a run here."""
        started = RunReceived(
            ticket, str(self.checkout), "", "", str(self.folder / "reports"), "terminal:tester"
        )
        return replace(started, **changes)  # type: ignore[arg-type]

    async def receive(self, run_id: str = RUN, **changes: object) -> None:
        """Take in the ticket."""
        await receive(self.world(), run_id, self.received(run_id, **changes))  # type: ignore[arg-type]
