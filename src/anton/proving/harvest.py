"""What becomes of the agents' work: source from the code agent, tests from the test agent, the rest named.

    base ──source of code──► fix ──tests──► head
      └──tests of test──► base_with_tests ──source of test──► second

The two never saw each other's work. What the test agent changed of the source is its second opinion: it is
run, and is no part of the patch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from anton.core.proof import Blame, Cell, Commit, FileChange, Patch, Refusal, Suite, Tree
from anton.core.secrets import Masker
from anton.ports import Repository
from anton.proving.plan import TestPlan, protected_reason, shadowed_module
from anton.proving.subject import clean_key, clean_subject
from anton.proving.testdata import only_tests_name

MAX_FILE_BYTES = 1_000_000
_LINKS = {"120000": "a symbolic link", "160000": "a submodule"}


@dataclass(frozen=True, slots=True)
class Work:
    """Whose trees are harvested, and what is said of them."""

    base: str
    """Commit that everything is based on."""
    base_tree: str
    code: str
    """Tree of the code agent's worktree; the base tree where it changed nothing."""
    test: str
    """Tree of the test agent's worktree."""
    subjects: Mapping[str, str]
    """Commit subjects by path, as the agents worded them."""
    ticket: str
    """Key, for the commits' trailer."""
    at_unix: int
    """When the commits are dated; the same work at the same time gives the same commits."""
    masker: Masker = field(default_factory=Masker)
    """Knows secrets: a file that brings one is left out."""


@dataclass(frozen=True, slots=True)
class Trees:
    """The git trees that the matrix runs on."""

    base: str
    fix: str
    """Base with the code agent's source; the old tests."""
    head: str
    """The fix with the new tests: what would be merged."""
    base_with_tests: str | None = None
    """None where a bundle holds no cell that ran on it."""
    second: str | None = None
    """Base with the new tests and their author's own fix; None where it made none."""

    def of(self, cell: Cell) -> str | None:
        """The tree that a cell must have run on."""
        places = {
            (Suite.NEW, Tree.BASE): self.base_with_tests,
            (Suite.OLD, Tree.BASE): self.base,
            (Suite.OLD, Tree.FIX): self.fix,
            (Suite.WHOLE, Tree.FIX): self.head,
            (Suite.NEW, Tree.FIX): self.head,
            (Suite.NEW, Tree.SECOND): self.second,
        }
        return places.get((cell.suite, cell.tree))

    @property
    def all(self) -> tuple[str, ...]:
        """Each once, base first."""
        named = (self.base, self.fix, self.head, self.base_with_tests, self.second)
        return tuple(dict.fromkeys(tree for tree in named if tree))


@dataclass(frozen=True, slots=True)
class Harvest:
    """A patch, and the trees that show what it is worth."""

    patch: Patch
    trees: Trees


@dataclass(frozen=True, slots=True)
class _Sorted:
    """One agent's changes by what becomes of them."""

    source: tuple[FileChange, ...] = ()
    tests: tuple[FileChange, ...] = ()
    refused: tuple[Refusal, ...] = ()


async def harvest(repository: Repository, work: Work, plan: TestPlan) -> Harvest:
    """The patch that the agents' trees amount to."""
    files = frozenset(await repository.files(work.base_tree))
    code = await _sort(repository, Blame.CODE, work, work.code, plan, files)
    test = await _sort(repository, Blame.TEST, work, work.test, plan, files)
    source, tests, own = _paths(code.source), _paths(test.tests), _paths(test.source)
    fix = await repository.graft(work.base_tree, work.code, source)
    head = await repository.graft(fix, work.test, tests)
    with_tests = await repository.graft(work.base_tree, work.test, tests)
    opinion = ""
    second: str | None = None
    if own:
        second = await repository.graft(with_tests, work.test, own)
        opinion = await repository.diff(with_tests, second)
    commits = await _commits(repository, work, head, code.source + test.tests)
    misplaced = tuple(
        _refusal(Blame.CODE, "changed", change.path, "which is a test") for change in code.tests
    )
    patch = Patch(
        base=work.base,
        head=commits[-1].sha if commits else work.base,
        commits=commits,
        source=code.source,
        tests=test.tests,
        diff=await repository.diff(work.base_tree, fix) + await repository.diff(fix, head),
        second_opinion=opinion,
        refused=misplaced + code.refused + test.refused,
    )
    return Harvest(patch, Trees(work.base_tree, fix, head, with_tests, second))


async def _sort(
    repository: Repository, author: Blame, work: Work, tree: str, plan: TestPlan, files: Collection[str]
) -> _Sorted:
    source: list[FileChange] = []
    tests: list[FileChange] = []
    refused: list[Refusal] = []
    base = work.base_tree
    hides = _hides(work.masker, await repository.diff(base, tree))
    for change in await repository.changes(base, tree):
        reason = await _objection(repository, tree, change, files, plan)
        reason = reason or await _secret(repository, work, tree, change)
        if hides and not reason:
            reason = await _hidden(repository, work, tree, change)
        if author is Blame.CODE and not reason and not plan.is_test(change.path):
            reason = await _fixture(repository, base, change, files, plan)
        if reason:
            refused.append(_refusal(author, _DID.get(change.status, "changed"), change.path, reason))
        else:
            (tests if plan.is_test(change.path) else source).append(change)
    return _Sorted(tuple(source), tuple(tests), tuple(refused))


_DID = {"A": "added", "D": "removed"}


def _refusal(author: Blame, did: str, path: str, reason: str) -> Refusal:
    return Refusal(author, f"{author} agent {did} {path!r}, {reason}: left out")


async def _fixture(
    repository: Repository, base: str, change: FileChange, files: Collection[str], plan: TestPlan
) -> str | None:
    """Why a file that was there before is the tests' own, wherever it lies."""
    if change.status == "A" or not await only_tests_name(repository, base, change.path, files, plan):
        return None
    return "which only tests read"


async def _objection(
    repository: Repository, tree: str, change: FileChange, files: Collection[str], plan: TestPlan
) -> str | None:
    """Why a change may not become part of a patch, whoever made it."""
    if reason := protected_reason(change.path):
        return f"which {reason}"
    if change.status == "D":
        return None
    if kind := _LINKS.get(change.mode):
        return f"which is {kind}"
    if change.binary:
        return "which is a binary file"
    if change.status == "A" and (module := shadowed_module(change.path, files, plan.test_patterns)):
        return f"which takes the place of the module {module!r}"
    content = await repository.read(tree, change.path, MAX_FILE_BYTES + 1)
    if content is not None and len(content) > MAX_FILE_BYTES:
        return f"which is larger than {MAX_FILE_BYTES:,} bytes"
    return None


async def _secret(repository: Repository, work: Work, tree: str, change: FileChange) -> str | None:
    """Why a change that brings a secret may not become part of a patch; what was there before is let be."""
    if change.status == "D":
        return None
    before = await repository.read(work.base_tree, change.path, MAX_FILE_BYTES) or b""
    after = await repository.read(tree, change.path, MAX_FILE_BYTES) or b""
    known = work.masker.found(before.decode("utf-8", "replace"))
    found = work.masker.found(f"{change.path}\n{after.decode('utf-8', 'replace')}")
    kinds = sorted({mark for secret, mark in found.items() if secret not in known})
    return f"which holds a secret ({', '.join(kinds)}), and nothing secret is ever pushed" if kinds else None


def _hides(masker: Masker, diff: str) -> bool:
    """Whether changed lines are taken for a secret's, so that nobody would be shown what they are."""
    return any("\n+" in secret or "\n-" in secret for secret in masker.found(diff))


async def _hidden(repository: Repository, work: Work, tree: str, change: FileChange) -> str | None:
    """Why a change may not become part of a patch that no diff of it would show."""
    alone = await repository.graft(work.base_tree, tree, (change.path,))
    if not _hides(work.masker, await repository.diff(work.base_tree, alone)):
        return None
    return "whose diff looks like a secret, which nobody could be shown"


async def _commits(
    repository: Repository, work: Work, head: str, changes: Sequence[FileChange]
) -> tuple[Commit, ...]:
    """One commit per file, source before tests, each by path."""
    commits: list[Commit] = []
    tree, parent = work.base_tree, work.base
    for change in changes:
        subject = clean_subject(work.subjects.get(change.path, ""), change.path, change.status)
        tree = await repository.graft(tree, head, (change.path,))
        message = f"{subject}\n\nTicket: {clean_key(work.ticket)}\n"
        parent = await repository.commit(tree, parent, message, work.at_unix)
        commits.append(Commit(parent, change.path, subject))
    return tuple(commits)


def _paths(changes: Sequence[FileChange]) -> tuple[str, ...]:
    return tuple(change.path for change in changes)
