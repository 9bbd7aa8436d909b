"""What deserves a second look before a patch is approved, found in the diff and the proof by plain rules.

A flag is a reason to read, not a verdict: `exec` in a comment is flagged as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from anton.core.confidence import full_sandbox
from anton.core.proof import FileChange, Opinion, Patch, Proof
from anton.core.run import RunState
from anton.core.text import listed
from anton.views.diff import DiffKind, diff_lines
from anton.views.encode import line
from anton.views.figures import BIG_PATCH_LINES, changed_lines, count
from anton.views.strength import weaknesses

SHOWN_NAMES = 4
"""Paths or tests named in one flag; the rest are counted."""

TOPICS = (
    (
        "authentication or permissions",
        r"\b(auth\w*|login|passw(or)?d\w*|permissions?|token|session|is_admin|csrf|acl)\b",
    ),
    (
        "cryptography",
        r"\b(crypt\w*|encrypt\w*|decrypt\w*|hashlib|hmac|md5|sha1|sha256|ssl|tls|secrets|random)\b",
    ),
    ("execution of code", r"\b(eval|exec|compile|__import__|importlib|getattr|setattr)\s*\("),
    ("other processes", r"\b(subprocess|os\.system|popen|spawn\w*|child_process|shell\s*=\s*true)\b"),
    ("the network", r"\b(socket|requests|httpx|urllib\w*|aiohttp|fetch|https?://|ftp)\b|\bcurl\b"),
    (
        "deserialisation",
        r"\b(pickle|marshal|yaml\.load|unserialize|ObjectInputStream|dill|shelve|jsonpickle)\b",
    ),
)
"""What added lines may touch, each with the pattern that finds it."""

_TOPICS = tuple((topic, re.compile(pattern, re.IGNORECASE)) for topic, pattern in TOPICS)
_SKIPS = re.compile(r"(?i)\b(skip\w*|xfail|xit|xdescribe)\b|\.only\b|@(Disabled|Ignore)\b")
_TEST_HEAD = re.compile(r"^-\s*(async\s+)?(def test|class Test|func Test|it\(|test\()")
_DEPENDENCIES = re.compile(
    r"(^|/)(requirements[^/]*\.(txt|in|lock)|pyproject\.toml|setup\.(py|cfg)|Pipfile(\.lock)?|poetry\.lock|uv\.lock|"
    r"package(-lock)?\.json|yarn\.lock|pnpm-lock\.yaml|go\.(mod|sum)|Cargo\.(toml|lock)|pom\.xml|build\.gradle(\.kts)?|"
    r"Gemfile(\.lock)?|composer\.(json|lock))$"
)
_STEERING = re.compile(
    r"(^|/)(AGENTS\.md|CLAUDE\.md|CODEOWNERS|Makefile|Dockerfile[^/]*|\.gitattributes|\.gitmodules|\.gitlab-ci\.yml|"
    r"Jenkinsfile|conftest\.py|tox\.ini|noxfile\.py|pytest\.ini)$|^\.(github|circleci|vscode|devcontainer)/"
)


def risks(state: RunState, proof: Proof) -> tuple[str, ...]:
    """One sentence for each thing to look at, weightiest first."""
    return (
        *_of_the_proof(proof),
        *_of_the_diff(proof.patch),
        *_of_the_files(proof.patch),
        *_of_the_run(state),
    )


def _of_the_proof(proof: Proof) -> Iterator[str]:
    if not full_sandbox(proof):
        yield f"The sandbox is less than full: {line(proof.sandbox, 200)}."
    if proof.opinion is Opinion.DISAGREES:
        yield "The second opinion disagrees: the test agent's own fix does not pass the new tests."
    elif proof.instead_of:
        failed = line(proof.instead_of, 200)
        yield f"The fix is the test agent's own, offered because the code agent's fails: {failed}"
    elif proof.opinion is Opinion.NONE:
        yield "There is no second opinion: no other fix could be tried."
    if proof.already_red:
        yield f"Red before the fix, and not held against it: {_named(proof.already_red)}."
    if proof.flaky:
        yield f"Flaky, passed and failed on the same code: {_named(proof.flaky)}."
    for refusal in proof.patch.refused:
        yield f"Left out: {line(refusal.text)}"
    yield from weaknesses(proof)


def _of_the_diff(patch: Patch) -> Iterator[str]:
    tests = {change.path for change in patch.tests}
    rows = tuple(diff_lines(patch.diff))
    added = [row for row in rows if row.kind is DiffKind.ADDED and row.path not in tests]
    for topic, pattern in _TOPICS:
        if paths := dict.fromkeys(row.path for row in added if pattern.search(row.text)):
            yield f"Added lines touch {topic}: {_named(paths)}."
    if paths := dict.fromkeys(
        r.path for r in rows if r.path in tests and r.kind is DiffKind.REMOVED and _TEST_HEAD.match(r.text)
    ):
        yield f"Existing tests were removed or rewritten: {_named(paths)}."
    if paths := dict.fromkeys(
        r.path for r in rows if r.path in tests and r.kind is DiffKind.ADDED and _SKIPS.search(r.text)
    ):
        yield f"Tests are skipped or narrowed: {_named(paths)}."


def _of_the_files(patch: Patch) -> Iterator[str]:
    def chosen(wanted: Iterable[FileChange]) -> str:
        return _named(change.path for change in wanted)

    if deleted := chosen(change for change in patch.tests if change.status == "D"):
        yield f"Test files are deleted: {deleted}."
    if dependencies := chosen(change for change in patch.files if _DEPENDENCIES.search(change.path)):
        yield f"Dependencies or the build change: {dependencies}."
    if steering := chosen(change for change in patch.files if _STEERING.search(change.path)):
        yield f"Files that steer tools, tests or reviewers change: {steering}."
    if binary := chosen(change for change in patch.files if change.binary):
        yield f"Binary files cannot be read in the diff: {binary}."
    if executable := chosen(change for change in patch.files if change.mode not in ("100644", "000000")):
        yield f"Unusual file modes: {executable}."
    if (lines := changed_lines(patch)) > BIG_PATCH_LINES:
        yield f"The patch is large: {count(lines, 'changed line')}."


def _of_the_run(state: RunState) -> Iterator[str]:
    if hidden := state.received.ticket.hidden_characters:
        yield f"The ticket held hidden text, which was removed: {count(hidden, 'character')}."
    if state.base is not None:
        yield from map(line, state.base.notices)


def _named(names: Iterable[str]) -> str:
    return listed((line(name, 120) for name in names), SHOWN_NAMES)
