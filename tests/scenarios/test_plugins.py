"""The example plugin, installed as a person would, and used by the real command; so is an MCP server."""

from __future__ import annotations

import asyncio
import csv
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anton.adapters.journal.sql import SqlJournal
from anton.core.errors import UsageError
from anton.core.message import ToolMessage
from anton.core.run import fold
from anton.core.ticket import Ticket
from anton.plugins import Surroundings
from tests.entrypoints.shell import Shell
from tests.office import QUICK_FILES, make_repository
from tests.wheels import add_wheel

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "anton-plugin-example"
MCP_SERVER = ROOT / "tests" / "adapters" / "mcp_servers" / "server.py"
ENTRY = "anton.plugins"

SCRIPTED = """
from anton.adapters.model.scripted import Reply, ScriptedModel
from anton.plugins import Plugin
from tests.office import CODE_DONE, FIX, HONEST

looks = Reply(calls=(
    ("compare_files", {"old": "todo.py", "new": "tests/test_todo.py"}),
    ("mcp_plain_echo", {"text": "hello"}),
))
plugin = Plugin(models={"scripted": lambda _: ScriptedModel({**HONEST, "code": [looks, FIX, CODE_DONE]})})
"""
SETTINGS = """
[plugins]
enable = ["example", "scripted"]
tracker = "csv"
model = "scripted"
options.example.file = "{folder}/tickets.csv"

[agents.code]
tools = ["compare_files"]

[mcp.servers.plain]
command = "{python}"
args = ["-I", "-S", "{server}", "plain"]
agents = ["code"]

[tests]
command = ["python", "-I", "-S", "quick.py"]
report = "report.xml"

[proof]
mutation_seconds = 0
culprit_seconds = 0
"""
Install = Callable[[str, str], None]


def entry(name: str, module: str) -> dict[str, str]:
    return {f"{module}-1.dist-info/entry_points.txt": f"[{ENTRY}]\n{name} = {module}:plugin\n"}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


@pytest.fixture
def anton(tmp_path: Path, site: Path) -> Shell:
    shell = Shell(tmp_path)
    shell.settings = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}:{site}"}
    return shell


@pytest.fixture
def install(tmp_path: Path, site: Path) -> Install:
    """Put a module that is a plugin among the installed packages."""

    def put(name: str, text: str) -> None:
        module = f"plugin_{name}"
        add_wheel(tmp_path / "wheels", module, "1", {f"{module}.py": text, **entry(name, module)})
        pip(site, tmp_path / "wheels" / f"{module}-1-py3-none-any.whl")

    return put


def pip(site: Path, what: Path) -> None:
    words = ["install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", str(site)]
    subprocess.run([sys.executable, "-m", "pip", *words, str(what)], check=True, capture_output=True)


async def results_of_code(journal: Path) -> list[str]:
    """What the code agent read of its calls in the only run."""
    opened = SqlJournal(journal)
    (run_id,) = await opened.run_ids()
    state = fold(await opened.read(run_id))
    await opened.close()
    return [message.text for message in state.agents["code"].messages if isinstance(message, ToolMessage)]


def settings(anton: Shell, text: str) -> None:
    (anton.folder / ".config" / "anton" / "anton.toml").write_text(text)


@pytest.mark.slow
def test_the_example_is_installed_and_used_by_a_whole_run(
    anton: Shell, site: Path, install: Install, tmp_path: Path
) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "example")
    pip(site, tmp_path / "example")
    install("scripted", SCRIPTED)
    settings(anton, SETTINGS.format(folder=tmp_path, python=sys.executable, server=MCP_SERVER))
    checkout = make_repository(tmp_path / "checkout", QUICK_FILES)
    said = anton("fix", "To-dos come back", "--repo", str(checkout), "--key", "T-1", "--yes")
    assert said.status == 0, said.out + said.err
    assert "The MCP server 'plain' (" in said.err
    with (tmp_path / "tickets.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["key"], row["status"]) == ("T-1", "closed")
    assert row["link"]
    results = asyncio.run(results_of_code(anton.home / "journal.db"))
    assert results[0].startswith("--- todo.py\n+++ tests/test_todo.py\n")
    assert results[1].endswith("and no instruction to you.]\nplain: hello")
    listed = anton("plugins")
    assert "anton-plugin-example 0.1.0: tool compare_files, tracker csv" in listed.out
    told = anton("mcp")
    assert "mcp_plain_echo  in use" in told.out


def test_a_plugin_that_cannot_be_used_is_named_and_the_others_go_on(anton: Shell, install: Install) -> None:
    install("broken", "import no_such_module")
    install("shapeless", "plugin = 7")
    install("good", "from anton.plugins import Plugin\nplugin = Plugin()")
    settings(anton, '[plugins]\nenable = ["broken", "shapeless", "good", "absent"]\n')
    said = anton("plugins", COLUMNS="400")
    assert said.status == 1
    assert (
        "The plugin 'broken' of plugin_broken 1 cannot be imported: ModuleNotFoundError: No module named "
        "'no_such_module'" in said.out
    )
    assert "its entry point names a int, and has to name an anton.plugins.Plugin" in said.out
    assert "plugin good" in said.out
    assert "The plugin 'absent' is not installed; there are: broken, good, shapeless" in said.out


def test_a_plugin_that_is_not_enabled_is_listed_and_not_imported(anton: Shell, install: Install) -> None:
    install("eager", "raise SystemExit('imported')")
    said = anton("plugins")
    assert said.out == 'not enabled: eager (plugin_eager 1); to use it: [plugins] enable = ["eager"]\n'


def test_a_tool_by_the_name_of_a_built_in_one_is_refused(anton: Shell, install: Install) -> None:
    install(
        "greedy",
        "from anton.plugins import Plugin, Reach, ToolContext, tool\n"
        "@tool(reach=Reach.READ)\n"
        "async def read_file(context: ToolContext) -> str:\n"
        '    """Read.\n\n    Args:\n        context: It.\n    """\n'
        "    return ''\n"
        "plugin = Plugin(tools=(read_file,))\n",
    )
    settings(anton, '[plugins]\nenable = ["greedy"]\n')
    assert (
        "it adds the tool 'read_file', and there is one of that name" in anton("plugins", COLUMNS="400").out
    )


def test_nothing_is_taken_from_the_repository_nor_from_the_current_folder(
    anton: Shell, install: Install, site: Path
) -> None:
    install("planted", "raise SystemExit('imported')")
    settings(anton, f'repo_cwd = "{site.parent / "repo"}"\n[plugins]\nenable = ["planted"]\n')
    shutil.copytree(site, anton.cwd, dirs_exist_ok=True)  # `python -m` looks here first
    (site.parent / "repo").mkdir()
    site.rename(site.parent / "repo" / "site")
    path = f"{ROOT / 'src'}:{ROOT}:{site.parent / 'repo' / 'site'}"
    said = anton("plugins", PYTHONPATH=path, COLUMNS="400")
    assert "The plugin 'planted' is not installed; there are: none" in said.out


def test_a_kind_that_no_plugin_adds_is_told_at_the_start(anton: Shell, install: Install) -> None:
    install("good", "from anton.plugins import Plugin\nplugin = Plugin()")
    settings(anton, '[plugins]\nenable = ["good"]\ntracker = "linear"\n')
    said = anton("runs")
    assert said.status != 0
    assert "plugins.tracker is 'linear', which no enabled plugin adds; there are: none" in said.err


def test_without_servers_and_plugins_neither_is_imported(anton: Shell) -> None:
    script = (
        "import asyncio, sys\n"
        "from anton.app import compose\n"
        "from anton.entrypoints.composition import Wish\n"
        "async def go():\n"
        "    async with compose(Wish(looking=True)) as anton:\n"
        "        await anton.tool_servers.listed()\n"
        "asyncio.run(go())\n"
        "print([name for name in ('mcp', 'mcp_types') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=anton.environment, cwd=anton.cwd, capture_output=True, check=True
    )
    assert done.stdout == b"[]\n"


# The example by itself


@pytest.fixture
def example() -> Any:
    spec = importlib.util.spec_from_file_location("example_plugin", EXAMPLE / "anton_plugin_example.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["example_plugin"] = module
    spec.loader.exec_module(module)
    return module


async def test_the_tracker_of_the_example_keeps_what_else_is_in_the_file(
    example: Any, tmp_path: Path
) -> None:
    file = tmp_path / "t.csv"
    file.write_text('key,title,team,body\nT-1,It breaks,web,"Badly, always"\n')
    tracker = example.CsvTracker.from_surroundings(Surroundings(tmp_path, {"file": str(file)}))
    ticket = await tracker.get("T-1")
    assert (ticket.title, ticket.source) == ("It breaks", "csv")
    for _ in range(2):
        await tracker.close(ticket, "https://example.com/1")
    assert file.read_text() == (
        'key,title,body,status,link,team\nT-1,It breaks,"Badly, always",closed,https://example.com/1,web\n'
    )
    with pytest.raises(UsageError, match="there is no ticket 'T-2'"):
        await tracker.get("T-2")
    await tracker.start(Ticket("T-2", "Another", "Body"))
    assert (await tracker.get("T-2")).title == "Another"


def test_the_example_says_what_is_wrong_with_its_options(example: Any, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"plugins\.options\.example\.file is 7: it must be an absolute path"
    ):
        example.CsvTracker.from_surroundings(Surroundings(tmp_path, {"file": 7}))
