"""Each flag is raised by what it names, and by nothing in a plain fix."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anton.core.event import BaseResolved, Entry
from anton.core.proof import FileChange, HunkCheck, Mutant, MutantFate, Opinion, Patch, Proof, SandboxLevel
from anton.core.run import RunState, fold
from anton.views.risks import risks

Run = tuple[Entry, ...]


def proof_with(state: RunState, **changes: object) -> Proof:
    assert state.proof is not None
    return replace(state.proof, **changes)  # type: ignore[arg-type]


def patched(state: RunState, path: str, *lines: str, **change: object) -> Proof:
    """The green proof with a patch that adds (or removes) these lines in one file."""
    removed = sum(line.startswith("-") for line in lines)
    diff = f"diff --git a/{path} b/{path}\n@@ -1,{removed} +1,{len(lines) - removed} @@\n" + "\n".join(lines)
    file = replace(FileChange(path, "M", added=len(lines)), **change)  # type: ignore[arg-type]
    in_tests = path.startswith("tests/")
    patch = Patch("b", "h", (), () if in_tests else (file,), (file,) if in_tests else (), diff)
    return proof_with(state, patch=patch)


def test_a_plain_fix_raises_no_flag(green: Run) -> None:
    state = fold(green)
    assert risks(state, proof_with(state)) == ()


@pytest.mark.parametrize(
    ("line", "topic"),
    [
        ("+    if user.is_admin:", "authentication or permissions"),
        ("+import hashlib", "cryptography"),
        ("+    eval(text)", "execution of code"),
        ("+    subprocess.run(command)", "other processes"),
        ("+    requests.get(url)", "the network"),
        ("+    pickle.loads(blob)", "deserialisation"),
    ],
)
def test_added_lines_are_flagged_by_what_they_touch(green: Run, line: str, topic: str) -> None:
    state = fold(green)
    assert risks(state, patched(state, "src/a.py", line)) == (f"Added lines touch {topic}: src/a.py.",)
    assert risks(state, patched(state, "src/a.py", line.replace("+", "-", 1))) == ()


@pytest.mark.parametrize(
    ("path", "lines", "change", "flag"),
    [
        ("tests/a.py", ["-def test_a():"], {}, "Existing tests were removed or rewritten: tests/a.py."),
        ("tests/a.py", ["+@pytest.mark.skip"], {}, "Tests are skipped or narrowed: tests/a.py."),
        ("tests/a.py", ["-x = 1"], {"status": "D"}, "Test files are deleted: tests/a.py."),
        ("package.json", ["+x"], {}, "Dependencies or the build change: package.json."),
        ("AGENTS.md", ["+x"], {}, "Files that steer tools, tests or reviewers change: AGENTS.md."),
        (".github/ci.yml", ["+x"], {}, "Files that steer tools, tests or reviewers change: .github/ci.yml."),
        ("logo.png", [], {"binary": True}, "Binary files cannot be read in the diff: logo.png."),
        ("run.sh", ["+x"], {"mode": "100755"}, "Unusual file modes: run.sh."),
        ("src/a.py", ["+x"], {"added": 201}, "The patch is large: 201 changed lines."),
    ],
)  # fmt: skip
def test_files_are_flagged_by_what_they_are(
    green: Run, path: str, lines: list[str], change: dict[str, object], flag: str
) -> None:
    state = fold(green)
    assert risks(state, patched(state, path, *lines, **change)) == (flag,)


def test_what_the_proof_knows_comes_first(green: Run) -> None:
    state = fold(green)
    proof = proof_with(
        state,
        sandbox="limited (Landlock)",
        sandbox_level=SandboxLevel.LIMITED,
        opinion=Opinion.DISAGREES,
        already_red=tuple("abcde"),
        flaky=("f",),
    )
    assert risks(state, proof) == (
        "The sandbox is less than full: limited (Landlock).",
        "The second opinion disagrees: the test agent's own fix does not pass the new tests.",
        "Red before the fix, and not held against it: a, b, c, d and 1 more.",
        "Flaky, passed and failed on the same code: f.",
    )


def test_what_the_new_tests_do_not_notice_is_named(green: Run) -> None:
    state = fold(green)
    line = ("todo/service.py", 50, "todo.done = True")
    proof = proof_with(
        state,
        mutants=(
            Mutant(*line, "todo.done = False", MutantFate.SURVIVED),
            Mutant(*line, "pass", MutantFate.KILLED, "test_a"),
            Mutant(*line, "x", MutantFate.NOT_RUN),
        ),
        hunks=(HunkCheck("a.py", "@@ -1 +1 @@ f", False), HunkCheck("a.py", "@@ -9 +9 @@", True, "test_a")),
        undone=("2 of 3 mutants were not tried.",),
    )
    assert risks(state, proof) == (
        "A mutant survives: todo/service.py:50 `todo.done = True` → `todo.done = False`",
        "No test needs this hunk: a.py @@ -1 +1 @@ f",
        "2 of 3 mutants were not tried.",
    )


def test_of_many_survivors_the_first_are_named_and_the_rest_counted(green: Run) -> None:
    state = fold(green)
    mutants = tuple(Mutant("a.py", n, "x", "y", MutantFate.SURVIVED) for n in range(8))
    hunks = tuple(HunkCheck("a.py", f"@@ -{n} +{n} @@", False) for n in range(9))
    flags = risks(state, proof_with(state, mutants=mutants, hunks=hunks))
    assert len(flags) == 5 + 1 + 5 + 1
    assert (flags[5], flags[-1]) == ("3 more mutants survive.", "4 more hunks are needed by no test.")


def test_hidden_text_and_the_base_s_notices_are_passed_on(green: Run) -> None:
    state = fold(green)
    ticket = replace(state.received.ticket, hidden_characters=1_024)
    base = BaseResolved("b", "t", "main", "s", "", ("Uncommitted changes are not looked at.",))
    state = replace(state, received=replace(state.received, ticket=ticket), base=base)
    assert risks(state, proof_with(state)) == (
        "The ticket held hidden text, which was removed: 1,024 characters.",
        "Uncommitted changes are not looked at.",
    )
