from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from anton.adapters.sandbox.choose import choose
from anton.adapters.sandbox.closed import NoSandbox
from anton.core.errors import SandboxError, ToolError
from anton.core.proof import Cell, CellStatus, Outcome, Suite, Tree
from anton.ports import Command, Execution, SandboxLevel
from anton.proving.junit import MAX_REPORT_BYTES
from anton.proving.suite import KEPT_CELLS, MAX_OUTPUT, SuiteRunner

from .conftest import FIXED, SHOWN, Project

GOOD = '<testsuite><testcase name="a"/></testsuite>'
BAD = '<testsuite><testcase name="a"><failure message="no"/></testcase></testsuite>'


def leaving(report: str, then: str = "exit 0") -> tuple[str, ...]:
    """A command that leaves a report."""
    return ("sh", "-c", f"mkdir -p out; echo '{report}' > out/junit.xml; {then}")


async def base_cell(shop: Project, *command: str, timeout_seconds: float = 120.0) -> Cell:
    runner = shop.runner(*command, timeout_seconds=timeout_seconds)
    return await runner.run(shop.base.tree, Suite.OLD, Tree.BASE)


def outcomes(cell: Cell) -> dict[str, Outcome]:
    return {case.id: case.outcome for case in cell.cases}


async def test_pytest_runs_in_a_real_sandbox_on_a_tree_and_leaves_nothing_behind(shop: Project) -> None:
    sandbox = await choose()
    if not sandbox.usable:
        pytest.skip(sandbox.description)
    runner = SuiteRunner(sandbox, shop.repository, shop.workspace, shop.plan())
    assert runner.can_run
    head = await shop.tree({**SHOWN, "tests/test_odd.py": "import nowhere\n"})
    cell = await runner.run(head, Suite.NEW, Tree.BASE)
    assert (cell.suite, cell.tree, cell.status, cell.exit_code) == (
        Suite.NEW,
        Tree.BASE,
        CellStatus.RAN,
        1,
    )
    assert outcomes(cell) == {
        "tests.test_odd": Outcome.ERROR,
        "tests.test_cart::test_nothing": Outcome.PASSED,
        "tests.test_total::test_all_count": Outcome.FAILED,
        "tests.test_total::test_empty": Outcome.PASSED,
    }
    assert str(shop.workspace) not in repr(cell)
    assert list(shop.workspace.iterdir()) == []


async def test_the_repositorys_own_settings_stay_in_force_but_hide_nothing(shop: Project) -> None:
    files = {
        **SHOWN,
        "pytest.ini": "[pytest]\naddopts = -x -v --junitxml=mine.xml\npython_functions = test_a*\n",
    }
    tree = await shop.tree(files)
    cell = await shop.runner().run(tree, Suite.OLD, Tree.BASE, ("tests/test_total.py",))
    assert outcomes(cell) == {"tests.test_total::test_all_count": Outcome.FAILED}
    assert cell.paths == ("tests/test_total.py",)


async def test_without_tests_there_is_a_report_without_cases(shop: Project) -> None:
    tree = await shop.tree({"tests/test_cart.py": None})
    runner = shop.runner()
    cell = await runner.run(tree, Suite.OLD, Tree.BASE)
    assert (cell.status, cell.exit_code, cell.cases) == (CellStatus.RAN, 5, ())
    assert "No tests were found" in await runner.for_agent(tree)


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        pytest.param(leaving(GOOD), CellStatus.RAN, "", id="all good"),
        pytest.param(leaving(BAD, "exit 1"), CellStatus.RAN, "", id="failures and exit 1"),
        pytest.param(leaving(BAD), CellStatus.RAN, "", id="failures and exit 0: the worse counts"),
        pytest.param(
            ("sh", "-c", "echo 612 passed"), CellStatus.NO_REPORT, "without a report", id="only words"
        ),
        pytest.param(leaving(GOOD, "exit 1"), CellStatus.NO_REPORT, "lists no failure", id="good but exit 1"),
        pytest.param(leaving(BAD, "kill -9 $$"), CellStatus.NO_REPORT, "not how this runner", id="killed"),
        pytest.param(leaving("<testsuite>"), CellStatus.NO_REPORT, "not whole XML", id="cut off"),
        pytest.param(
            ("sh", "-c", "mkdir -p out; ln -s /etc/hostname out/junit.xml"),
            CellStatus.NO_REPORT,
            "without a report",
            id="a link",
        ),
        pytest.param(
            ("sh", "-c", "ln -s /etc out"), CellStatus.NO_REPORT, "without a report", id="a linked folder"
        ),
        pytest.param(
            ("sh", "-c", "mkdir -p out; mkfifo out/junit.xml"),
            CellStatus.NO_REPORT,
            "without a report",
            id="a pipe",
        ),
        pytest.param(
            leaving(GOOD, "echo FAIL Required test coverage of 90% not reached.; exit 1"),
            CellStatus.RAN,
            "",
            id="coverage alone fails the run",
        ),
    ],
)
async def test_a_report_is_believed_only_beside_an_exit_code_that_fits(
    shop: Project, command: tuple[str, ...], status: CellStatus, words: str
) -> None:
    cell = await base_cell(shop, *command)
    assert cell.status is status
    assert words in cell.output
    assert (cell.cases != ()) is (status is CellStatus.RAN)


async def test_a_runner_that_stops_itself_before_its_report_is_not_believed(shop: Project) -> None:
    tree = await shop.tree({"tests/test_cart.py": "import os\n\n\ndef test_nothing():\n    os._exit(0)\n"})
    cell = await shop.runner().run(tree, Suite.OLD, Tree.BASE)
    assert (cell.status, cell.exit_code) == (CellStatus.NO_REPORT, 0)


async def test_a_run_that_pytest_calls_interrupted_is_not_believed(shop: Project) -> None:
    tree = await shop.tree(
        {"tests/test_cart.py": "import pytest\n\n\ndef test_nothing():\n    pytest.exit('all good', 2)\n"}
    )
    assert (await shop.runner().run(tree, Suite.OLD, Tree.BASE)).status is CellStatus.NO_REPORT


async def test_a_report_that_the_repository_brings_along_is_not_read(shop: Project) -> None:
    tree = await shop.tree({"out/junit.xml": GOOD})
    cell = await shop.runner("true").run(tree, Suite.OLD, Tree.BASE)
    assert cell.status is CellStatus.NO_REPORT


async def test_a_folder_in_the_place_of_the_report_makes_room(shop: Project) -> None:
    tree = await shop.tree({"out/junit.xml/TEST-a.xml": GOOD})
    cell = await shop.runner(*leaving(BAD, "exit 1")).run(tree, Suite.OLD, Tree.BASE)
    assert outcomes(cell) == {"a": Outcome.FAILED}


async def test_an_enormous_report_is_not_read(shop: Project) -> None:
    script = f"mkdir -p out; head -c {MAX_REPORT_BYTES + 1} /dev/zero > out/junit.xml"
    cell = await base_cell(shop, "sh", "-c", script)
    assert cell.status is CellStatus.NO_REPORT
    assert "larger than" in cell.output


async def test_names_of_tests_are_not_blurred(shop: Project) -> None:
    names = ("x[in 1.00s]", "x[in 2.00s]")
    cases = "".join(f'<testcase name="{name}"/>' for name in names)
    cell = await base_cell(shop, *leaving(f"<testsuite>{cases}</testsuite>"))
    assert tuple(case.id for case in cell.cases) == names


async def test_a_linked_folder_in_the_place_of_the_report_costs_nothing_outside(shop: Project) -> None:
    outside = shop.folder / "precious"
    outside.mkdir()
    (outside / "junit.xml").write_text("mine")
    worktree = shop.folder / "linked"
    await shop.repository.export(shop.base.tree, worktree)
    (worktree / "out").symlink_to(outside)
    tree = await shop.repository.snapshot(worktree, shop.base.tree)
    cell = await shop.runner("true").run(tree, Suite.OLD, Tree.BASE)
    assert cell.status is CellStatus.NO_REPORT
    assert (outside / "junit.xml").read_text() == "mine"


async def test_a_folder_of_reports_is_read_whole(shop: Project) -> None:
    files = {"TEST-a.xml": GOOD, "TEST-b.xml": BAD, "notes.txt": "x"}
    written = "; ".join(f"echo '{text}' > out/junit.xml/{name}" for name, text in files.items())
    cell = await base_cell(shop, "sh", "-c", f"mkdir -p out/junit.xml; {written}; exit 1")
    assert [case.outcome for case in cell.cases] == [Outcome.PASSED, Outcome.FAILED]


async def test_a_suite_that_hangs_is_stopped_and_its_report_not_read(shop: Project) -> None:
    cell = await base_cell(shop, *leaving(GOOD, "exec sleep 600"), timeout_seconds=0.3)
    assert (cell.status, cell.cases, cell.exit_code) == (CellStatus.TIMED_OUT, (), None)


async def test_a_flood_of_output_is_bounded_to_its_end(shop: Project) -> None:
    cell = await base_cell(shop, *leaving(GOOD, "yes flood | head -c 300000; echo the end"))
    assert len(cell.output) <= MAX_OUTPUT
    assert cell.output.endswith("the end")


async def test_whatever_is_left_in_the_tree_is_removed(shop: Project) -> None:
    closed = "mkdir -p a/b; touch a/b/c; ln -s / a/b/d; chmod 0 a/b; chmod 500 a ."
    program = "import os; [os.mkdir('d') or os.chdir('d') for _ in range(1_200)]"
    deep = f'mkdir deep; (cd deep; python3 -c "{program}" && echo built)'
    cell = await base_cell(shop, "sh", "-c", f"{deep}; {closed}")
    assert cell.output.startswith("built")
    assert list(shop.workspace.iterdir()) == []


@dataclass
class Hanging:
    """A sandbox whose commands never end."""

    started: asyncio.Event
    level: SandboxLevel = SandboxLevel.FULL
    description: str = "hangs"
    usable: bool = True

    async def run(self, command: Command) -> Execution:
        self.started.set()
        await asyncio.Event().wait()
        raise AssertionError


async def test_the_folder_is_removed_when_the_run_is_cancelled(shop: Project) -> None:
    sandbox = Hanging(asyncio.Event())
    runner = SuiteRunner(sandbox, shop.repository, shop.workspace, shop.plan())
    task = asyncio.create_task(runner.run(shop.base.tree, Suite.OLD, Tree.BASE))
    await sandbox.started.wait()
    assert len(list(shop.workspace.iterdir())) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(shop.workspace.iterdir()) == []


def counting(shop: Project) -> tuple[Path, tuple[str, ...]]:
    """A command that counts its runs outside the tree."""
    count = shop.folder / "count"
    return count, leaving(GOOD, f"echo run >> {count}")


async def test_a_first_attempt_is_not_run_twice_a_second_one_is(shop: Project) -> None:
    count, command = counting(shop)
    runner = shop.runner(*command)
    both = await asyncio.gather(
        runner.run(shop.base.tree, Suite.OLD, Tree.BASE), runner.run(shop.base.tree, Suite.OLD, Tree.FIX)
    )
    assert [cell.tree for cell in both] == [Tree.BASE, Tree.FIX]
    assert both[0].cases == both[1].cases
    assert count.read_text() == "run\n"
    again = await runner.run(shop.base.tree, Suite.OLD, Tree.BASE, attempt=2)
    assert again.attempt == 2
    assert count.read_text() == "run\n" * 2
    await runner.run(await shop.tree(FIXED), Suite.OLD, Tree.FIX)
    assert count.read_text() == "run\n" * 3


async def test_only_so_many_runs_are_remembered(shop: Project) -> None:
    count, command = counting(shop)
    runner = shop.runner(*command)
    await runner.run(shop.base.tree, Suite.OLD, Tree.BASE)
    others = [await shop.tree({"n.txt": str(n)}) for n in range(KEPT_CELLS)]
    await asyncio.gather(*(runner.run(tree, Suite.OLD, Tree.BASE) for tree in others))
    await runner.run(shop.base.tree, Suite.OLD, Tree.BASE)
    assert count.read_text() == "run\n" * (KEPT_CELLS + 2)


async def test_a_run_without_a_report_is_tried_again(shop: Project) -> None:
    count = shop.folder / "count"
    runner = shop.runner("sh", "-c", f"echo run >> {count}")
    for _ in range(2):
        await runner.run(shop.base.tree, Suite.OLD, Tree.BASE)
    assert count.read_text() == "run\n" * 2


async def test_no_more_run_at_once_than_there_are_processors(shop: Project) -> None:
    marks = shop.folder / "marks"
    marks.mkdir()
    script = f"touch {marks}/$$; ls {marks} | wc -l >> {shop.folder}/most; sleep 0.05; rm {marks}/$$"
    runner = shop.runner(*leaving(GOOD, script))
    await asyncio.gather(
        *(
            runner.run(shop.base.tree, Suite.OLD, Tree.BASE, attempt=2)
            for _ in range((os.cpu_count() or 1) + 3)
        )
    )
    assert max(map(int, (shop.folder / "most").read_text().split())) <= (os.cpu_count() or 1)


async def test_without_a_sandbox_nothing_runs(shop: Project) -> None:
    runner = SuiteRunner(NoSandbox("a test"), shop.repository, shop.workspace, shop.plan())
    assert not runner.can_run
    with pytest.raises(SandboxError):
        await runner.run(shop.base.tree, Suite.OLD, Tree.BASE)


class TestForAgent:
    """What a model reads."""

    async def test_the_same_tree_gives_the_same_words(self, shop: Project) -> None:
        test = (
            "class Thing:\n    pass\n\n\ndef test_it(tmp_path):\n"
            "    print(tmp_path)\n    assert Thing() == str(tmp_path)\n"
        )
        tree = await shop.tree({"tests/test_it.py": test})
        first = await shop.runner().for_agent(tree, ["tests/test_it.py"])
        assert first == await shop.runner().for_agent(tree, ["tests/test_it.py"])
        assert first.startswith("Ran tests/test_it.py.\n0 passed, 1 failed\n")
        assert "FAILED tests.test_it::test_it\n" in first
        assert "Thing object at 0x…" in first
        assert str(shop.folder) not in first

    async def test_the_runners_own_words_where_there_is_no_report(self, shop: Project) -> None:
        told = await shop.runner("sh", "-c", "echo no such option; exit 4").for_agent(shop.base.tree)
        assert told == (
            "Ran the whole suite.\nThe runner ended with exit code 4 and no result that can be believed. "
            "Its own words:\nno such option\n[exit code 4 without a report at out/junit.xml]"
        )

    async def test_a_suite_that_hangs(self, shop: Project) -> None:
        runner = shop.runner("sleep", "600", timeout_seconds=0.3)
        assert await runner.for_agent(shop.base.tree) == (
            "Ran the whole suite.\nThe tests did not end within 0.3 seconds and were stopped. "
            "Its own words:\n[stopped after 0.3 s]"
        )

    async def test_a_command_that_cannot_be_narrowed_runs_whole_and_says_so(self, shop: Project) -> None:
        told = await shop.runner(*leaving(GOOD)).for_agent(shop.base.tree, ["tests/test_cart.py"])
        assert told == (
            "Ran the whole suite (this repository's test command cannot be narrowed to files).\n"
            "1 passed, 0 failed"
        )

    @pytest.mark.parametrize("path", ["tests/test_none.py", "--rootdir=/", "../x.py", "/etc/passwd", ""])
    async def test_a_path_that_is_not_there_is_refused(self, shop: Project, path: str) -> None:
        with pytest.raises(ToolError, match="no file or folder"):
            await shop.runner().for_agent(shop.base.tree, [path])

    async def test_many_failures_are_counted(self, shop: Project) -> None:
        case = '<testcase name="a"><failure message="no"/></testcase>'
        told = await shop.runner(*leaving(f"<testsuite>{case * 30}</testsuite>")).for_agent(shop.base.tree)
        assert told.count("FAILED a\nno") == 10
        assert told.endswith("… and 20 more that do not pass.")


async def test_a_limited_runner_ends_a_run_sooner_and_never_later(shop: Project) -> None:
    runner = shop.runner("sleep", "600", timeout_seconds=30.0)
    cell = await runner.limited(0.2).run(shop.base.tree, Suite.OLD, Tree.BASE)
    assert cell.status is CellStatus.TIMED_OUT
    assert runner.limited(600.0).plan == runner.plan
