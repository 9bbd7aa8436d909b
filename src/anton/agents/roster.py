"""Who does what: the four agents, and those that they may delegate to, as data."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from pydantic import BaseModel

from anton.core.agent import LIMITS, AgentName, AgentSpec, Limits, Plane
from anton.core.report import (
    CodeReport,
    Investigation,
    PullRequestText,
    Review,
    TestReport,
    TriageReport,
)
from anton.tools.catalogue import TOOLS

READING = ("list_dir", "glob", "grep", "read_file", "git_log", "git_show", "git_blame")
WRITING = ("edit_file", "write_file", "apply_patch", "run_tests", "todo", "ask_person")
WITHOUT_WORKTREE = ("git_log", "git_show", "git_blame", "todo", "web_fetch", "web_search")
"""Tools that an agent without a worktree can use."""


def addable(spec: AgentSpec) -> tuple[str, ...]:
    """Names of the tools that an operator may give an agent besides its own."""
    return WITHOUT_WORKTREE if spec.plane is Plane.NONE else tuple(TOOLS)


def roster(limits: Mapping[AgentName, Limits] = LIMITS) -> tuple[AgentSpec, ...]:
    """Triage, code, test and pr, each told of its own limits.

    Args:
        limits: By agent.
    """

    def spec(
        name: AgentName, output: type[BaseModel], tools: tuple[str, ...] = (), plane: Plane = Plane.NONE
    ) -> AgentSpec:
        own = limits[name]
        return AgentSpec(name, _prompt(name, own), tools, output, own.turns, own.seconds, plane)

    return (
        spec("triage", TriageReport),
        spec("code", CodeReport, READING + WRITING, Plane.SOURCE),
        spec("test", TestReport, READING + WRITING, Plane.TESTS),
        spec("pr", PullRequestText),
    )


def conversationalist() -> AgentSpec:
    """Who talks with a person at the keyboard, and works on a copy of their repository."""
    own = Limits(30, 600)
    tools = READING + tuple(tool for tool in WRITING if tool != "ask_person")
    return AgentSpec(
        "chat",
        _prompt("chat", own),
        tools,
        BaseModel,
        own.turns,
        own.seconds,
        Plane.WHOLE,
        conversational=True,
    )


def delegates() -> tuple[AgentSpec, ...]:
    """Whom the tool `delegate` hands tasks to: they only read, and hand nothing on."""
    return tuple(
        AgentSpec(name, _prompt(name, own), READING, output, own.turns, own.seconds)
        for name, output, own in (
            ("investigator", Investigation, Limits(10, 120)),
            ("reviewer", Review, Limits(8, 120)),
        )
    )


def _prompt(name: str, limits: Limits) -> str:
    text = resources.files(__package__).joinpath(f"{name}.md").read_text(encoding="utf-8").strip()
    return text.replace("{turns}", str(limits.turns)).replace("{seconds}", f"{limits.seconds:g}")
