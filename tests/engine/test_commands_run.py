"""What is called safe is really run, in the sandbox, and leaves the worktree as it was."""

from __future__ import annotations

import random
import shlex
import stat
import subprocess
from pathlib import Path

import pytest

from anton.adapters.sandbox.choose import Kind, choose
from anton.core.permission import Danger
from anton.engine.commands import assess
from anton.engine.path_scope import Scope
from anton.engine.rule_examples import load_rules
from anton.engine.safe_rules import SafeRule
from anton.ports import Command, Sandbox
from tests.engine.command_lines import NEVER_SAFE, READING

LINES = 400
RULES = load_rules()
HARM = [word for texts in NEVER_SAFE.values() for text in texts for word in text.split(" ")]
OPERANDS = [
    "a",
    "b",
    "new",
    "src",
    "src/app.py",
    "-",
    "--",
    "1",
    "'w new'",
    "'1e touch new'",
    '"\'"',
    "> new",
]
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0"
MARKS = "'\"\\;|&><()$`\n #!{}*?[]~-=e w"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def word(dice: random.Random, rule: SafeRule) -> str:
    options = [*rule.words, *(f"--{name}" for name in (*sorted(rule.long), *sorted(rule.long_valued)))]
    return dice.choice(
        [
            dice.choice(HARM),
            dice.choice(OPERANDS),
            "-" + "".join(dice.choices(LETTERS, k=dice.randint(1, 2))),
            "-" + dice.choice(rule.flags + rule.valued + "o") + dice.choice(["", "new"]),
            dice.choice([*options, "-o"]) + dice.choice(["", "=new"]),
        ]
    )


def line(dice: random.Random) -> str:
    """An honest command line with some words of another kind, or one of a rule's own words."""
    rule = dice.choice(RULES.safe)
    if dice.random() < 0.5:
        words = [dice.choice(rule.commands), *([dice.choice(rule.subcommands)] if rule.subcommands else [])]
    else:
        words = dice.choice(READING).split(" ")
    for _ in range(dice.randint(1, 3)):
        words.insert(dice.randint(1, len(words)), word(dice, rule))
    text = " ".join(words)
    at = dice.randrange(len(text))
    return text[:at] + dice.choice(MARKS) + text[at:] if dice.random() < 0.3 else text


def safe_lines(seed: int, folder: str = "") -> list[str]:
    dice = random.Random(seed)
    lines: dict[str, None] = dict.fromkeys(READING)
    while len(lines) < LINES:
        text = line(dice)
        if assess(text, RULES, Scope(folder=folder)).danger is Danger.SAFE:
            lines[text] = None
    return list(lines)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "src").mkdir(parents=True)
    for name in ("a", "b", "a b.txt", "README.md", "CHANGELOG.md", "src/app.py", "src/b.py"):
        (tree / name).write_text("foo 1\nbar 2\nfoo 1\n")
    (tree / "a.json").write_text('{"a": [{"b": 1}]}')
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "a"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=tree, check=True)
    return tree


def snapshot(tree: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every path's mode, and a file's time of change and content; but for git's index, which is a cache."""
    found = {}
    for path in sorted(tree.rglob("*")):
        name = path.relative_to(tree).as_posix()
        state = path.lstat()
        if name != ".git/index":
            is_file = stat.S_ISREG(state.st_mode)
            content = path.read_bytes() if is_file else b""
            found[name] = (state.st_mode, state.st_mtime_ns if is_file else 0, content)
    return found


async def changed(sandbox: Sandbox, tree: Path, lines: list[str], folder: str = ".") -> set[str]:
    before = snapshot(tree)
    quiet = "</dev/null >/dev/null 2>/dev/null"
    script = "\n".join(f"timeout 2 bash -c {shlex.quote(text)} {quiet}" for text in lines)
    execution = await sandbox.run(Command(("bash", "-c", f"cd {folder}\n{script}\necho all run"), tree, 240))
    assert "all run" in execution.output
    after = snapshot(tree)
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


async def culprits(sandbox: Sandbox, tree: Path, lines: list[str]) -> list[str]:
    """Those of the lines that change the tree."""
    if not await changed(sandbox, tree, lines):
        return []
    if len(lines) == 1:
        return lines
    middle = len(lines) // 2
    return [
        *await culprits(sandbox, tree, lines[:middle]),
        *await culprits(sandbox, tree, lines[middle:]),
    ]


@pytest.fixture
async def sandbox() -> Sandbox:
    chosen = await choose(Kind.BUBBLEWRAP)
    if not chosen.usable:
        pytest.skip(chosen.description)
    return chosen


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_what_is_called_safe_changes_nothing(sandbox: Sandbox, tree: Path, seed: int) -> None:
    assert await culprits(sandbox, tree, safe_lines(seed)) == []


async def test_a_change_is_noticed_and_traced_to_its_line(sandbox: Sandbox, tree: Path) -> None:
    lines = ["ls", "uniq a >> c", "cat a", "grep -c foo a"]
    assert await culprits(sandbox, tree, lines) == ["uniq a >> c"]


async def test_what_is_called_safe_deeper_in_the_tree_changes_nothing_there(
    sandbox: Sandbox, tree: Path
) -> None:
    lines = [text.replace(" src/", " ../src/") for text in safe_lines(4, "src")]
    kept = [text for text in lines if assess(text, RULES, Scope(folder="src")).danger is Danger.SAFE]
    assert len(kept) > LINES // 2
    assert await changed(sandbox, tree, kept, "src") == set()
