"""The table of permissions: its rules, its words, and the document that shows it."""

from __future__ import annotations

import re
from itertools import pairwise, product
from pathlib import Path

import pytest

from anton.core.permission import (
    DANGERS,
    REACHES,
    TABLE,
    Allowed,
    Asks,
    Danger,
    Decision,
    Denied,
    Policy,
    Verdict,
    after_refusal,
    decide,
    unattended,
    widest,
    worst,
)
from anton.core.tool import Reach

DOCUMENT = Path(__file__).parents[2] / "docs" / "permissions.md"
STRICTNESS = list(Verdict)


def strictness(decision: Decision) -> int:
    match decision:
        case Allowed(tried=tried):
            return int(tried)
        case Asks():
            return 2
        case Denied():
            return 3


CELLS = list(product(Policy, REACHES, DANGERS))


def test_the_table_has_a_cell_for_everything() -> None:
    assert {(p, r) for p, row in TABLE.items() for r in row} == set(product(Policy, Reach))
    assert set(REACHES) == set(Reach)


@pytest.mark.parametrize(("policy", "reach", "danger"), CELLS)
def test_each_cell_says_what_the_table_says(policy: Policy, reach: Reach, danger: Danger) -> None:
    decision = decide(policy, reach, danger, sandboxed=True)
    assert STRICTNESS[strictness(decision)] is TABLE[policy][reach][DANGERS.index(danger)]
    assert policy.value in decision.reason


@pytest.mark.parametrize("sandboxed", [True, False])
def test_strictness_grows_with_policy_reach_and_danger(sandboxed: bool) -> None:
    def at(policy: Policy, reach: Reach, danger: Danger) -> int:
        return strictness(decide(policy, reach, danger, sandboxed=sandboxed))

    for reach, danger in product(REACHES, DANGERS):
        assert all(at(a, reach, danger) <= at(b, reach, danger) for a, b in pairwise(Policy))
    for policy, danger in product(Policy, DANGERS):
        assert all(at(policy, a, danger) <= at(policy, b, danger) for a, b in pairwise(REACHES))
    for policy, reach in product(Policy, REACHES):
        assert all(at(policy, reach, a) <= at(policy, reach, b) for a, b in pairwise(DANGERS))


def test_what_is_dangerous_is_done_without_a_question_only_under_yolo() -> None:
    for policy, reach in product(Policy, set(REACHES) - {Reach.SUBMIT}):
        decision = decide(policy, reach, Danger.DANGEROUS, sandboxed=True)
        assert isinstance(decision, Allowed) == (policy is Policy.YOLO)
        assert "dangerous" in decision.reason


def test_yolo_says_that_it_asked_nothing() -> None:
    assert decide(Policy.YOLO, Reach.OUTSIDE, Danger.DANGEROUS, sandboxed=False) == Allowed(
        "it reaches outside the worktree and is dangerous; nothing is asked under the policy yolo"
    )


def test_without_a_sandbox_what_runs_reaches_outside() -> None:
    assert isinstance(decide(Policy.AUTO, Reach.RUN, Danger.UNKNOWN, sandboxed=True), Allowed)
    assert decide(Policy.AUTO, Reach.RUN, Danger.UNKNOWN, sandboxed=False) == Asks(
        "it runs a command with no sandbox to hold it, about which the policy auto asks"
    )


def test_a_file_of_the_worktree_needs_no_sandbox() -> None:
    assert isinstance(decide(Policy.AUTO_EDIT, Reach.WRITE, Danger.SAFE, sandboxed=False), Allowed)


def test_a_refusal_by_the_sandbox_is_asked_about_where_the_call_was_only_tried() -> None:
    tried = decide(Policy.ON_FAILURE, Reach.RUN, Danger.UNKNOWN, sandboxed=True)
    allowed = decide(Policy.AUTO, Reach.RUN, Danger.UNKNOWN, sandboxed=True)
    assert isinstance(tried, Allowed)
    assert isinstance(allowed, Allowed)
    assert isinstance(after_refusal(tried), Asks)
    assert isinstance(after_refusal(allowed), Denied)


@pytest.mark.parametrize(("policy", "reach", "danger"), CELLS)
def test_nobody_there_is_a_no(policy: Policy, reach: Reach, danger: Danger) -> None:
    for sandboxed in (True, False):
        decision = decide(policy, reach, danger, sandboxed=sandboxed)
        alone = unattended(decision)
        match decision:
            case Asks():
                assert isinstance(alone, Denied)
                assert "nobody" in alone.reason
            case Allowed():
                assert isinstance(alone, Allowed)
                assert isinstance(after_refusal(alone), Denied)
            case Denied():
                assert alone == decision


def test_the_widest_and_the_worst() -> None:
    assert widest() is Reach.SUBMIT
    assert widest(Reach.READ, Reach.NETWORK, Reach.RUN) is Reach.NETWORK
    assert worst() is Danger.SAFE
    assert worst(Danger.SAFE, Danger.DANGEROUS, Danger.UNKNOWN) is Danger.DANGEROUS


def documented(text: str) -> dict[tuple[str, str, str], str]:
    """(policy, reach, danger) → the word in the document."""
    cells: dict[tuple[str, str, str], str] = {}
    for danger, table in re.findall(r"^### .*\((\w+)\)\n\n((?:\|.*\n)+)", text, re.MULTILINE):
        head, _, *rows = [[c.strip(" `") for c in line.strip("|").split("|")] for line in table.splitlines()]
        cells |= {(row[0], reach, danger): row[i + 1] for row in rows for i, reach in enumerate(head[1:])}
    return cells


def test_the_document_shows_the_table_cell_by_cell() -> None:
    assert documented(DOCUMENT.read_text()) == {
        (policy.value, reach.value, danger.value): verdict.value
        for policy, row in TABLE.items()
        for reach, verdicts in row.items()
        for danger, verdict in zip(DANGERS, verdicts, strict=True)
    }
