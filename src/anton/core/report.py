"""What each agent hands in through `submit`: the only results a model can give, all of it prose or hints.

None of it is believed: what was changed is read from git, what passed is read from JUnit XML.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Paragraph = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4_000)]


class Report(BaseModel):
    """Common to all results: unknown fields are an error that the model is told of."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Priority(StrEnum):
    """How urgent the ticket is."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"

    @property
    def label(self) -> str:
        """As it is shown: `P1 Critical`."""
        return f"{self} {_PRIORITY_NAMES[self]}"

    @staticmethod
    def named(label: str) -> str:
        """`P2` for `P2 High`; `unknown` for what is none."""
        name = label.partition(" ")[0]
        return name if name in Priority.__members__ else "unknown"


_PRIORITY_NAMES = {"P1": "Critical", "P2": "High", "P3": "Medium", "P4": "Low"}


class TriageReport(Report):
    """What the ticket's text alone tells."""

    priority: Priority = Field(
        description="P1 critical: outage or data loss now; P2 high; P3 medium; P4 low."
    )
    component: Line = Field(description="The part of the product that is affected, in a word or two.")
    summary: Paragraph = Field(description="The bug in one or two sentences.")
    affected_files: list[Line] = Field(
        default_factory=list,
        max_length=20,
        description="Names that the ticket mentions or implies; hints only.",
    )
    acceptance_criteria: list[Line] = Field(
        min_length=1, max_length=12, description="What must be true once it is fixed."
    )
    edge_cases: list[Line] = Field(
        default_factory=list, max_length=12, description="Neighbouring cases that tests should cover."
    )


class ChangedFile(Report):
    """Why one file was changed."""

    path: Line = Field(description="Path relative to the repository's root.")
    why: Line = Field(
        description="Subject line of this file's commit: imperative, what it achieves, under 70 characters."
    )


class CodeReport(Report):
    """What the code agent found and changed."""

    root_cause: Paragraph = Field(description="Why it goes wrong, naming file, function and line.")
    solution: Paragraph = Field(description="What was changed and why that is the smallest correct fix.")
    files: list[ChangedFile] = Field(
        max_length=50, description="One entry for each changed source file; empty if nothing was changed."
    )
    no_code_cause: bool = Field(
        default=False,
        description="True only if, after looking, no code here causes what the ticket describes.",
    )


class TestReport(Report):
    """What the test agent wrote."""

    __test__ = False

    covered: list[Line] = Field(
        min_length=1, max_length=30, description="What each new test shows, a line each."
    )
    files: list[ChangedFile] = Field(max_length=50, description="One entry for each changed test file.")
    diagnosis: Paragraph = Field(description="The cause as you see it, from reading and running alone.")
    question: Annotated[str, StringConstraints(strip_whitespace=True, max_length=300)] = Field(
        default="",
        description="Only if no test fails on the unchanged code: the one question to the reporter whose "
        "answer would help to reproduce the bug.",
    )


class PullRequestText(Report):
    """The prose of the pull request. File lists and test figures are added from git and the proof."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)] = Field(
        description="Imperative, under 72 characters, without the ticket's key."
    )
    problem: Paragraph = Field(description="What users saw, in their terms.")
    root_cause: Paragraph = Field(description="Why it happened.")
    solution: Paragraph = Field(description="What the change does, and what it leaves alone.")
    how_to_verify: list[Line] = Field(
        min_length=1, max_length=10, description="Steps that a reviewer can follow."
    )
    references: list[Line] = Field(
        default_factory=list, max_length=10, description="Links and related tickets."
    )


class Evidence(Report):
    """A place that a claim rests on."""

    path: Line = Field(description="File, relative to the root of the repository.")
    line: int = Field(ge=1, description="Line, counted from 1.")
    says: Line = Field(description="What stands there, or what follows from it.")


class Investigation(Report):
    """What a colleague asked to find out."""

    answer: Paragraph = Field(description="The answer to the question, in a few sentences.")
    evidence: list[Evidence] = Field(
        default_factory=list, max_length=20, description="The places that it rests on."
    )
    open: list[Line] = Field(
        default_factory=list, max_length=10, description="What the files did not tell, if anything."
    )


class Review(Report):
    """What is wrong with a change; an empty list of problems says that it is sound."""

    summary: Paragraph = Field(description="In one or two sentences, whether it does what it is for.")
    problems: list[Evidence] = Field(
        default_factory=list, max_length=20, description="What is wrong, each with an input that shows it."
    )
