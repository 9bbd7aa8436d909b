"""The commit that brought a bug, found by running tests on real histories."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from anton.adapters.repository.git import GitRepository
from anton.adapters.sandbox.closed import NoSandbox, UnconfinedSandbox
from anton.core.proof import Culprit, CulpritStatus, Outcome, Proof, Suite, Tree
from anton.core.verdict import judge
from anton.demo.build import lay_out
from anton.proving.culprit import find_culprit
from anton.proving.harvest import Work, harvest
from anton.proving.plan import TestPlan
from anton.proving.presets import plan_for
from anton.proving.suite import SuiteRunner

from ..office import BUGGY, NEW_TEST, OLD_TEST, QUICK_COMMAND, QUICK_RUNNER
from .conftest import Files, put

FIXED = BUGGY.replace("not todo.completed", "True")
START: Files = {"todo.py": FIXED, "tests/test_todo.py": OLD_TEST, "quick.py": QUICK_RUNNER}
BROKEN = "this is no Python\n"


class History:
    """A bare repository that is written commit by commit, in one go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stream: list[str] = []
        self._ids: list[str] = []

    def commit(
        self, subject: str, files: Files | None = None, author: str = "Mia", parents: Sequence[int] = ()
    ) -> int:
        """The number of a new commit, on top of the latest one or of others; without files it adds a note."""
        number = self._stream.count("commit refs/heads/main") + 1
        when = f"{1_769_943_600 + 86_400 * number} +0100"
        first, *others = parents or ([number - 1] if number > 1 else [0])
        self._stream += ["commit refs/heads/main", f"mark :{number}", f"author {author} <a@b> {when}"]
        self._stream += [f"committer C <c@d> {when}", _sized(subject)]
        self._stream += [f"from :{first}"] if first else []
        self._stream += [f"merge :{other}" for other in others]
        for path, content in (files or {f"notes/{number}.txt": ""}).items():
            self._stream += [f"D {path}"] if content is None else [f"M 644 inline {path}", _sized(content)]
        return number

    def commits(self, number: int, files: Files | None = None) -> list[int]:
        """Some commits that have nothing to do with the bug."""
        return [self.commit(f"Note {n}", files if n == 0 else None) for n in range(number)]

    def write(self) -> Path:
        """Make the repository."""
        git(self.folder.parent, "init", "-q", "--bare", "-b", "main", str(self.folder))
        marks = self.folder / "marks"
        git(self.folder, "fast-import", "--quiet", f"--export-marks={marks}", stdin="\n".join(self._stream))
        self._ids = [line.split()[1] for line in sorted(marks.read_text().splitlines(), key=_mark)]
        return self.folder

    def id(self, number: int) -> str:
        """A commit's id, once it is written."""
        return self._ids[number - 1]


def _mark(line: str) -> int:
    return int(line.split()[0].removeprefix(":"))


def _sized(content: str | bytes) -> str:
    text = content if isinstance(content, str) else content.decode()
    return f"data {len(text.encode())}\n{text}"


def git(folder: Path, *arguments: str, stdin: str = "") -> str:
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    command = ("git", "-C", str(folder), *arguments)
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, input=stdin)
    return done.stdout.strip()


@dataclass
class Case:
    """Tests that reproduce a bug at the end of a history."""

    folder: Path
    plan: TestPlan
    tests: Files = field(default_factory=lambda: {"tests/test_twice.py": NEW_TEST})

    async def prove(self, checkout: Path) -> Proof:
        """A proof that is there as far as the search needs it: the new tests failed on base."""
        self.repository = GitRepository(checkout, self.folder / "mirror")
        self.runner = SuiteRunner(
            UnconfinedSandbox("a test"), self.repository, self.folder / "trees", self.plan
        )
        base = await self.repository.resolve("")
        await self.repository.export(base.tree, self.folder / "worktree")
        put(self.folder / "worktree", self.tests)
        test = await self.repository.snapshot(self.folder / "worktree", base.tree)
        work = Work(base.commit, base.tree, base.tree, test, {}, "BUG-42", 0)
        gathered = await harvest(self.repository, work, self.plan)
        paths = self.plan.narrowed(self.tests)
        assert gathered.trees.base_with_tests
        cell = await self.runner.run(gathered.trees.base_with_tests, Suite.NEW, Tree.BASE, paths)
        shown = tuple(case.id for case in cell.cases if case.outcome is Outcome.FAILED)
        assert shown
        proof = judge(1, gathered.patch, (cell,), "none")
        return replace(proof, reproducing=shown)

    async def find(self, checkout: Path, seconds: float = 60.0, width: int = 2) -> Culprit:
        proof = await self.prove(checkout)
        found = await find_culprit(self.repository, self.runner, proof, seconds, width)
        assert found is not None
        return found


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "checkout")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    plan = plan_for((), Path(sys.executable), command=QUICK_COMMAND, report="report.xml")
    return Case(tmp_path, plan)


def with_pytest(case: Case) -> Case:
    plan = plan_for((), Path(sys.executable), env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    return replace(case, plan=plan)


@pytest.mark.parametrize("width", [1, 3])
async def test_a_bug_from_the_middle_is_named_with_its_author_and_date(
    history: History, case: Case, width: int
) -> None:
    history.commits(4, START)
    culprit = history.commit("Toggle to-dos", {"todo.py": BUGGY}, author="Zoë Ω")
    history.commits(5)
    found = await case.find(history.write(), width=width)
    at = "2026-02-06T12:00:00+01:00"
    named = Culprit(CulpritStatus.FOUND, history.id(culprit), "Zoë Ω", at, "Toggle to-dos")
    assert replace(found, tested=0) == named
    assert 4 <= found.tested <= 6


async def test_a_bug_of_the_very_last_commit(history: History, case: Case) -> None:
    history.commits(3, START)
    culprit = history.commit("Toggle to-dos", {"todo.py": BUGGY})
    assert (await case.find(history.write())).commit == history.id(culprit)


async def test_a_bug_that_came_in_with_a_branch_is_found_on_the_branch(history: History, case: Case) -> None:
    *_, forked = history.commits(2, START)
    history.commits(2)
    culprit = history.commit("Toggle to-dos", {"todo.py": BUGGY})
    side = history.commit("Note that")
    main = history.commit("Meanwhile", parents=[forked])
    history.commit("Merge side", {"todo.py": BUGGY}, parents=[main, side])
    history.commits(2)
    found = await case.find(history.write())
    assert (found.status, found.commit, found.skipped) == (CulpritStatus.FOUND, history.id(culprit), 0)


async def test_a_bug_that_only_the_merge_made_is_the_merge(history: History, case: Case) -> None:
    """One side negates what it is given, the other gives it something else: each is right alone."""
    model = "class Todo:\n    completed = False\n\n\ndef complete(todo):\n    todo.completed = new(todo)\n"
    rule = (
        "try:\n    from switch import toggle\nexcept ImportError:\n    toggle = False\n\n\n"
        "def new(todo):\n    return not todo.completed if toggle else True\n"
    )
    always = "def new(todo):\n    return True\n"
    start: Files = {**START, "todo.py": f"from rule import new\n{model}", "rule.py": always}
    *_, forked = history.commits(2, start)
    side = history.commit("Aside", {"switch.py": "toggle = True\n"})
    main = history.commit("Read the switch", {"rule.py": rule}, parents=[forked])
    merge = history.commit("Merge side", {"switch.py": "toggle = True\n"}, parents=[main, side])
    history.commits(2)
    found = await case.find(history.write())
    assert (found.commit, found.subject) == (history.id(merge), "Merge side")


async def test_what_was_always_there_is_said_to_have_been(history: History, case: Case) -> None:
    first = history.commits(6, {**START, "todo.py": BUGGY})[0]
    found = await case.find(history.write())
    assert replace(found, tested=0) == Culprit(
        CulpritStatus.ALWAYS,
        history.id(first),
        "Mia",
        "2026-02-02T12:00:00+01:00",
        "Note 0",
        detail="There is no older commit in the repository.",
    )


async def test_a_history_of_one_commit_needs_no_run(history: History, case: Case) -> None:
    history.commit("All at once", {**START, "todo.py": BUGGY})
    found = await case.find(history.write())
    assert (found.status, found.subject, found.tested) == (CulpritStatus.ALWAYS, "All at once", 0)


async def test_commits_that_cannot_be_imported_are_gone_around(history: History, case: Case) -> None:
    history.commits(4, START)
    culprit = history.commit("Toggle to-dos", {"todo.py": BUGGY})
    history.commit("Stumble", {"todo.py": BROKEN})
    history.commit("Stumble on")
    history.commit("Get up", {"todo.py": BUGGY})
    history.commits(2)
    found = await case.find(history.write())
    assert (found.status, found.commit) == (CulpritStatus.FOUND, history.id(culprit))
    assert found.skipped >= 1


async def test_where_broken_commits_hide_it_they_are_named(history: History, case: Case) -> None:
    history.commits(3, START)
    first = history.commit("Break all", {"todo.py": BROKEN})
    history.commit("Still broken")
    last = history.commit("Repair, and toggle", {"todo.py": BUGGY})
    history.commits(2)
    found = await case.find(history.write())
    assert (found.status, found.commit, found.skipped) == (CulpritStatus.NOT_FOUND, "", 2)
    which = f"from {history.id(first)[:7]} to {history.id(last)[:7]}"
    assert found.detail == f"It is one of 3 commits, {which}; 2 of them could not be tested."


async def test_before_a_module_had_its_name_nothing_can_be_tested(history: History, case: Case) -> None:
    old = OLD_TEST.replace("from todo", "from tasks")
    history.commits(3, {"tasks.py": FIXED, "tests/test_todo.py": old, "quick.py": QUICK_RUNNER})
    moved: Files = {"tasks.py": None, "todo.py": BUGGY, "tests/test_todo.py": OLD_TEST}
    oldest = history.commit("Rename tasks", moved)
    history.commits(3)
    found = await case.find(history.write())
    assert (found.status, found.commit) == (CulpritStatus.ALWAYS, history.id(oldest))
    assert found.detail == "Of 3 older commits 3 were tried, and none of them could be tested."


async def test_where_only_the_last_commit_can_be_tested_nothing_is_claimed(
    history: History, case: Case
) -> None:
    history.commits(3, {**START, "todo.py": BROKEN})
    history.commit("Write it anew", {"todo.py": BUGGY})
    found = await case.find(history.write())
    assert (found.status, found.tested, found.skipped) == (CulpritStatus.NOT_FOUND, 0, 3)
    assert found.detail == "No older commit that was tried could be tested."


@pytest.mark.parametrize("runner", ["quick", "pytest"])
async def test_what_did_not_exist_yet_is_another_reason_to_fail(
    history: History, case: Case, runner: str
) -> None:
    """The test calls `complete` at run time: before there was one it fails, and not because of the bug."""
    calling = NEW_TEST.replace("import Todo, complete", "import Todo\nimport todo as module").replace(
        "    complete(", "    module.complete("
    )
    nothing = "class Todo:\n    completed = False\n"
    first: Files = {"todo.py": nothing, "quick.py": QUICK_RUNNER, "tests/test_todo.py": "def test_x(): ...\n"}
    history.commits(3, first)
    history.commit("Complete to-dos", {"todo.py": FIXED})
    culprit = history.commit("Toggle to-dos", {"todo.py": BUGGY})
    case = replace(case if runner == "quick" else with_pytest(case), tests={"tests/test_twice.py": calling})
    found = await case.find(history.write())
    assert (found.status, found.commit) == (CulpritStatus.FOUND, history.id(culprit))
    assert found.skipped >= 1


async def test_another_line_of_the_test_that_fails_is_another_reason(history: History, case: Case) -> None:
    stages = "import todo\n\n\ndef test_twice():\n    assert todo.STAGE > 0\n    assert todo.STAGE > 2\n"
    history.commit("Finish", {"todo.py": "STAGE = 3\n", "tests/test_x.py": "def test_x(): ...\n"})
    first = history.commit("Fall to the beginning", {"todo.py": "STAGE = 0\n"})
    last = history.commit("Climb", {"todo.py": "STAGE = 1\n"})
    found = await replace(with_pytest(case), tests={"tests/test_twice.py": stages}).find(history.write())
    assert found.status is CulpritStatus.NOT_FOUND
    which = f"from {history.id(first)[:7]} to {history.id(last)[:7]}"
    assert found.detail == f"It is one of 2 commits, {which}; 1 of them could not be tested."


async def test_a_test_that_older_commits_cannot_import_leaves_the_search_to_the_others(
    history: History, case: Case
) -> None:
    late = "import newer\n" + NEW_TEST.replace("test_completing", "test_late")
    history.commits(3, START)
    culprit = history.commit("Toggle to-dos", {"todo.py": BUGGY})
    history.commit("Add a module", {"newer.py": ""})
    tests: Files = {"tests/test_twice.py": NEW_TEST, "tests/test_late.py": late}
    found = await replace(with_pytest(case), tests=tests).find(history.write())
    assert (found.status, found.commit, found.skipped) == (CulpritStatus.FOUND, history.id(culprit), 0)


async def test_two_tests_that_older_commits_let_run_in_turn_make_no_culprit_together(
    history: History, case: Case
) -> None:
    """Each fails where it runs: one passes only where the other cannot be imported, which shows nothing."""
    number = "import {0}\nfrom todo import Todo, complete\n\n\ndef test_{0}():\n    assert {0}.N == {1}\n"
    tests: Files = {f"tests/test_{name}.py": number.format(name, n) for name, n in (("one", 1), ("two", 2))}
    history.commit("Begin", {**START, "one.py": "N = 1\n"})
    history.commit("Change a name", {"one.py": None, "two.py": "N = 0\n"})
    last = history.commit("Have both", {"one.py": "N = 0\n"})
    found = await replace(with_pytest(case), tests=tests).find(history.write())
    assert (found.status, found.commit) != (CulpritStatus.FOUND, history.id(last))
    assert found.status is not CulpritStatus.FOUND


async def test_a_conftest_stays_as_the_commit_had_it(history: History, case: Case) -> None:
    fixture = "import pytest\nimport todo\n\n\n@pytest.fixture\ndef item():\n    return todo.{0}()\n"
    named = NEW_TEST.replace("twice_stays_completed()", "twice(item)").replace("todo = Todo()", "todo = item")
    named = named.replace("Todo, complete", "complete")
    older: Files = {"todo.py": FIXED.replace("Todo", "Old"), "tests/conftest.py": fixture.format("Old")}
    history.commits(2, {**older, "tests/test_x.py": "def test_x(): ...\n"})
    newer: Files = {"todo.py": BUGGY, "tests/conftest.py": fixture.format("Todo")}
    culprit = history.commit("Rename, and toggle", newer)
    case = replace(with_pytest(case), tests={"tests/test_twice.py": named})
    assert (await case.find(history.write())).commit == history.id(culprit)


WAVERING = """
import os, pathlib
count = pathlib.Path(os.environ["COUNT"])
seen = int(count.read_text()) if count.exists() else 0
count.write_text(str(seen + 1))
if seen % 2:
    def complete(todo):
        todo.completed = True
"""


async def test_a_commit_that_wavers_is_not_believed(history: History, case: Case, tmp_path: Path) -> None:
    history.commits(2, START)
    wavering = history.commit("Waver", {"todo.py": BUGGY + WAVERING})
    last = history.commit("Toggle to-dos", {"todo.py": BUGGY})
    history.commit("Go on")
    env = {"COUNT": str(tmp_path / "count")}
    plan = plan_for((), Path(sys.executable), command=QUICK_COMMAND, report="report.xml", env=env)
    found = await replace(case, plan=plan).find(history.write())
    assert (found.status, found.skipped) == (CulpritStatus.NOT_FOUND, 1)
    which = f"from {history.id(wavering)[:7]} to {history.id(last)[:7]}"
    assert found.detail == f"It is one of 2 commits, {which}; 1 of them could not be tested."


async def test_without_time_nothing_is_claimed(history: History, case: Case) -> None:
    history.commits(2, START)
    base = history.commit("Toggle to-dos", {"todo.py": BUGGY})
    found = await case.find(history.write(), seconds=0)
    detail = f"The search was stopped after 0 s. It came with {history.id(base)[:7]} or before."
    assert found == Culprit(CulpritStatus.NOT_FOUND, detail=detail)
    assert list((case.folder / "trees").iterdir()) == []


@pytest.mark.slow
async def test_a_commit_that_hangs_takes_a_share_of_the_time_and_no_more(
    history: History, case: Case
) -> None:
    history.commits(2, START)
    history.commit("Hang", {"todo.py": "import time\ntime.sleep(600)\n"})
    history.commit("Toggle to-dos", {"todo.py": BUGGY})
    found = await case.find(history.write(), seconds=6)
    assert found.status is CulpritStatus.NOT_FOUND
    assert found.skipped >= 1
    assert list((case.folder / "trees").iterdir()) == []


async def test_a_sandbox_that_fails_is_told_of(history: History, case: Case) -> None:
    history.commits(2, START)
    history.commit("Toggle to-dos", {"todo.py": BUGGY})
    proof = await case.prove(history.write())
    closed = SuiteRunner(NoSandbox("a test"), case.repository, case.folder / "trees", case.plan)
    found = await find_culprit(case.repository, closed, proof)
    assert found is not None
    assert found.status is CulpritStatus.NOT_FOUND
    assert "The search broke off: " in found.detail


async def test_a_history_that_cannot_be_read_is_told_of(history: History, case: Case) -> None:
    history.commit("All at once", {**START, "todo.py": BUGGY})
    proof = await case.prove(history.write())
    lost = replace(proof, patch=replace(proof.patch, base="0" * 40))
    found = await find_culprit(case.repository, case.runner, lost)
    assert found is not None
    assert found.detail.startswith("The history could not be read: ")


async def test_nothing_is_looked_for_where_nothing_is_reproduced(history: History, case: Case) -> None:
    history.commit("All at once", {**START, "todo.py": BUGGY})
    proof = replace(await case.prove(history.write()), reproducing=())
    assert await find_culprit(case.repository, case.runner, proof) is None


DEMO_TEST = """import pytest
from todo.service import TodoService
from todo.store import MemoryStore


def test_completing_twice():
    service = TodoService(MemoryStore())
    todo = service.add("Milk")
    service.complete(todo.id)
    assert service.complete(todo.id).completed
"""


@pytest.mark.slow
async def test_the_demo_has_its_bug_from_its_sixth_commit(case: Case, tmp_path: Path) -> None:
    checkout = tmp_path / "todo-service"
    await lay_out(checkout, tmp_path / "remote.git")
    found = await replace(with_pytest(case), tests={"tests/test_twice.py": DEMO_TEST}).find(checkout)
    assert (found.status, found.subject) == (CulpritStatus.FOUND, "Load and save in one place")
    assert (found.author, found.authored_at[:10]) == ("Tomás Ferreira", "2026-02-24")
