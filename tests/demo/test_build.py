"""The demo repository: always the same commits, its tests pass, and the bug is really there."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from anton.core.errors import OutsideError, UsageError
from anton.demo.build import demo_ticket, lay_out

TIP = "d028df1ca5037aec817326f51e1203737b84d3dc"
CULPRIT = "Load and save in one place"

TWICE = """
from todo.service import TodoService
from todo.store import MemoryStore

service = TodoService(MemoryStore())
milk = service.add("Buy milk")
service.complete(milk.id)
print(service.complete(milk.id).completed)
"""


def git(folder: Path, *arguments: str) -> str:
    argv = ["git", "-C", str(folder), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.defpath, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    argv = [sys.executable, *arguments]
    return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)


def done_after_completing_twice(folder: Path) -> bool:
    return python(folder, "-c", TWICE).stdout == "True\n"


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    await lay_out(tmp_path / "todo", tmp_path / "todo.git")
    return tmp_path / "todo"


async def test_the_history_is_the_same_every_time(folder: Path) -> None:
    assert git(folder, "rev-parse", "main") == TIP
    assert git(folder, "rev-list", "--count", "main") == "8"
    assert git(folder, "status", "--porcelain") == ""
    assert set(git(folder, "log", "--format=%an").splitlines()) == {
        "Mara Lindqvist",
        "Priya Nair",
        "Tomás Ferreira",
    }


async def test_the_settings_of_the_user_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text("[user]\n\tname = Me\n[core]\n\tautocrlf = true\n[commit]\n\tgpgSign = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Me")
    await lay_out(tmp_path / "todo", tmp_path / "todo.git")
    assert git(tmp_path / "todo", "rev-parse", "main") == TIP


async def test_the_remote_has_it_all(folder: Path) -> None:
    remote = folder.parent / "todo.git"
    assert git(folder, "remote", "get-url", "origin") == str(remote)
    assert git(folder, "rev-parse", "--abbrev-ref", "main@{upstream}") == "origin/main"
    assert git(folder, "--git-dir", str(remote), "rev-parse", "main") == TIP
    assert git(folder, "--git-dir", str(remote), "rev-parse", "--is-bare-repository") == "true"


async def test_at_the_tip_the_tests_pass_and_the_bug_is_there(folder: Path) -> None:
    suite = python(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert (suite.returncode, suite.stdout.splitlines()[-1].partition(" in ")[0]) == (0, "25 passed")
    assert not done_after_completing_twice(folder)
    service = folder / "todo" / "service.py"
    line = "todo.completed = not todo.completed"
    assert service.read_text().count(line) == 1
    service.write_text(service.read_text().replace(line, "todo.completed = True"))
    assert done_after_completing_twice(folder)
    assert python(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider").returncode == 0


@pytest.mark.slow
async def test_every_commit_passes_its_own_tests_and_one_of_them_brought_the_bug(folder: Path) -> None:
    healthy = {}
    for commit in git(folder, "rev-list", "--reverse", "main").split():
        git(folder, "checkout", "-q", commit)
        suite = python(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider")
        assert suite.returncode == 0, suite.stdout
        if (folder / "todo" / "service.py").exists():
            healthy[git(folder, "log", "-1", "--format=%s")] = done_after_completing_twice(folder)
    subjects = list(healthy)
    culprit = subjects.index(CULPRIT)
    assert 0 < culprit < len(subjects) - 1
    assert list(healthy.values()) == [at < culprit for at in range(len(subjects))]


async def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "todo").mkdir()
    (tmp_path / "todo" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="todo' is not empty: name a new folder"):
        await lay_out(tmp_path / "todo", tmp_path / "todo.git")
    assert [path.name for path in (tmp_path / "todo").iterdir()] == ["mine.txt"]


async def test_a_place_that_cannot_be_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be laid out in"):
        await lay_out(tmp_path / "file" / "todo", tmp_path / "todo.git")


async def test_without_git_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutsideError, match="git was not found"):
        await lay_out(tmp_path / "todo", tmp_path / "todo.git")


def test_the_ticket_reads_as_a_person_would_report_it() -> None:
    ticket = demo_ticket()
    assert (ticket.key, ticket.title) == ("BUG-42", "To-dos that were ticked off come back as open")
    assert "## Expected" in ticket.body
    for given_away in ("service.py", "complete()", "toggle", "not todo", "_changing"):
        assert given_away not in ticket.body


def test_the_history_and_the_ticket_are_in_the_wheel(tmp_path: Path) -> None:
    hatchling = pytest.importorskip("hatchling.builders.wheel", reason="the build backend is not installed")
    builder = hatchling.WheelBuilder(str(Path(__file__).parents[2]))
    (wheel,) = builder.build(directory=str(tmp_path), versions=["standard"])
    names = [name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("anton/demo/")]
    assert sum(name.endswith(".patch") for name in names) == 8
    assert "anton/demo/ticket.md" in names
