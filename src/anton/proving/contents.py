"""What stands in a proof bundle, and the parts of it that follow from others.

manifest.json     what is claimed, in figures, and the SHA-256 of every other file; follows from these
proof.json        the proof as it was judged, with every outcome
rerun.json        commits, trees, and how the tests are run
environment.txt   what they were run with
fix.diff tests.diff new_tests/…
cells/NN-….xml    each run of the matrix as JUnit XML; follows from proof.json
objects.pack      git objects of all trees; without those of base where that is large
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anton.core.proof import Case, Cell, CellStatus, FaultKind, FileChange, Outcome, Proof, Suite, Tree
from anton.proving.harvest import Trees

FORMAT = 2
MANIFEST = "manifest.json"
PROOF = "proof.json"
RERUN = "rerun.json"
ENVIRONMENT = "environment.txt"
FIX_DIFF = "fix.diff"
TESTS_DIFF = "tests.diff"
OBJECTS = "objects.pack"
NEW_TESTS = "new_tests/"
FIXED = frozenset({MANIFEST, PROOF, RERUN, ENVIRONMENT, FIX_DIFF, TESTS_DIFF, OBJECTS})


@dataclass(frozen=True, slots=True)
class Rerun:
    """All that it takes to run the same tests again; none of it is a path of one machine."""

    format: int
    anton: str
    """Version that recorded it."""
    ticket: str
    base: str
    """Commit."""
    head: str
    trees: Trees
    self_contained: bool
    """Whether the objects of base are in the bundle; else `--repo` has to bring them."""
    command: tuple[str, ...]
    """Of the whole suite; a program of one machine is written as `{python}`, `{node}` and the like."""
    report: str
    report_format: str
    narrow_command: tuple[str, ...]
    """What the files of the new tests are appended to, to run these alone."""
    timeout_seconds: float
    env: tuple[tuple[str, str], ...]
    withheld: tuple[str, ...]
    """Names of variables whose values looked like secrets and are not in the bundle."""
    exit_codes: tuple[int, ...]
    test_patterns: tuple[str, ...]
    """Globs of the paths that belong to tests."""
    links: tuple[str, ...]
    """Names at the root of each tree that lead into the environment, such as `node_modules`."""


def canonical(value: object) -> bytes:
    """A value as JSON: the same value gives the same bytes."""
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def trees_of(proof: Proof, base: str) -> Trees:
    """The trees that the cells ran on, by what they are; base in place of a fix that nothing ran on alone."""
    seen = {(cell.suite, cell.tree): cell.tree_sha for cell in proof.cells}
    with_tests = seen.get((Suite.NEW, Tree.BASE))
    fix = seen.get((Suite.OLD, Tree.FIX), base)
    only_tests = with_tests if with_tests and not proof.patch.source else fix
    head = seen.get((Suite.NEW, Tree.FIX), only_tests)
    return Trees(base, fix, head, with_tests, seen.get((Suite.NEW, Tree.SECOND)))


def programs_of(command: tuple[str, ...]) -> frozenset[str]:
    """The words of a test command that name programs: the first, and what a shell is given as `$0`."""
    return frozenset((*command[:1], *(command[3:4] if command[:2] == ("sh", "-c") else ())))


def test_files(proof: Proof) -> tuple[FileChange, ...]:
    """Test files of the patch that there is a content of."""
    return tuple(change for change in proof.patch.tests if change.status != "D")


def cell_files(proof: Proof) -> Mapping[str, Cell]:
    """Every cell by the name of its file."""
    return {f"cells/{number:02}-{_slug(cell)}.xml": cell for number, cell in enumerate(proof.cells, 1)}


def _slug(cell: Cell) -> str:
    again = f"-run-{cell.attempt}" if cell.attempt > 1 else ""
    return f"{cell.suite}-on-{cell.tree}{again}".replace(" ", "-")


def manifest_of(files: Mapping[str, bytes], proof: Proof, rerun: Rerun) -> Mapping[str, Any]:
    """The manifest that follows from everything else.

    Args:
        files: All other files.
        proof: As in proof.json.
        rerun: As in rerun.json.
    """
    return {
        "format": FORMAT,
        "anton": rerun.anton,
        "ticket": rerun.ticket,
        "base": {"commit": rerun.base, "tree": rerun.trees.base},
        "head": {"commit": rerun.head, "tree": rerun.trees.head},
        "self_contained": rerun.self_contained,
        "claims": _claims(proof),
        "cells": [_cell_entry(name, cell) for name, cell in cell_files(proof).items()],
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
            if name != MANIFEST
        },
    }


def _claims(proof: Proof) -> Mapping[str, Any]:
    faults = Counter(fault.kind for fault in proof.faults)
    return {
        "green": proof.green,
        "faults": [str(fault.kind) for fault in proof.faults],
        "reproducing": proof.reproducing,
        "new_tests": proof.new_tests,
        "cured": not any(faults[kind] for kind in NOT_CURED),
        "regressed": [test for fault in proof.faults if fault.kind in BROKEN for test in fault.tests],
        "already_red": proof.already_red,
        "flaky": proof.flaky,
        "second_opinion": str(proof.opinion),
        "sandbox": proof.sandbox,
        "tampering": [f"{sign.kind}: {sign.path}" for sign in proof.tampering],
        "mutants": Counter(str(mutant.fate) for mutant in proof.mutants),
        "hunks": {"needed": sum(h.needed for h in proof.hunks), "all": len(proof.hunks)},
        "culprit": proof.culprit.commit if proof.culprit else "",
        "left_undone": proof.undone,
    }


NOT_CURED = frozenset(
    {
        FaultKind.NOT_CURED,
        FaultKind.TESTS_BROKEN,
        FaultKind.NO_FIX,
        FaultKind.NO_TESTS,
        FaultKind.SUITE_BROKEN,
        FaultKind.DETECTED,
    }
)
BROKEN = frozenset({FaultKind.REGRESSED, FaultKind.VANISHED})


def _cell_entry(name: str, cell: Cell) -> Mapping[str, Any]:
    return {
        "file": name,
        "suite": str(cell.suite),
        "tree": str(cell.tree),
        "tree_id": cell.tree_sha,
        "attempt": cell.attempt,
        "status": str(cell.status),
        "narrowed_to": cell.paths,
        "counts": {str(outcome): cell.count(outcome) for outcome in Outcome},
    }


def junit_of(cell: Cell) -> bytes:
    """A cell as JUnit XML, without times; of a run that left no report its last words."""
    counted = f'failures="{cell.count(Outcome.FAILED)}" errors="{cell.count(Outcome.ERROR)}"'
    skipped = f'skipped="{cell.count(Outcome.SKIPPED)}"'
    name = _attribute(f"{cell.suite} on {cell.tree}")
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<testsuite name="{name}" tests="{len(cell.cases)}" {counted} {skipped}>',
        *map(_testcase, cell.cases),
    ]
    if cell.status is not CellStatus.RAN:
        lines.append(f'<properties><property name="status" value="{cell.status}"/></properties>')
        lines.append(f"<system-out>{_text(cell.output)}</system-out>")
    return ("\n".join((*lines, "</testsuite>")) + "\n").encode()


_TAGS = {Outcome.FAILED: "failure", Outcome.ERROR: "error", Outcome.SKIPPED: "skipped"}


def _testcase(case: Case) -> str:
    owner, between, name = case.id.partition("::")
    if not owner or not between:
        owner, name = "", case.id
    head = f'<testcase classname="{_attribute(owner)}" name="{_attribute(name)}"'
    if case.outcome is Outcome.PASSED:
        return f"{head}/>"
    tag = _TAGS[case.outcome]
    return f"{head}><{tag}>{_text(case.message)}</{tag}></testcase>"


def _text(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(letter if _is_xml(letter) else "\N{REPLACEMENT CHARACTER}" for letter in escaped)


def _attribute(text: str) -> str:
    return _text(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


def _is_xml(letter: str) -> bool:
    """Whether XML 1.0 has the character; a carriage return would be read as a line feed."""
    return letter in "\t\n" or (
        letter >= " " and not "\ud800" <= letter <= "\udfff" and letter not in "\ufffe\uffff"
    )
