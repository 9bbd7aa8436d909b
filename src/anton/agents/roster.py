"""Who does what: the four agents, and those that they may delegate to, as data."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from pydantic import BaseModel

from anton.core.agent import (
    CHAT,
    CHAT_LIMITS,
    DELEGATE_LIMITS,
    LIMITS,
    AgentName,
    AgentSpec,
    Limits,
    Plane,
)
from anton.core.report import (
    CodeReport,
    Investigation,
    PullRequestText,
    Review,
    TestReport,
    TriageReport,
)
from anton.tools.catalogue import FOR_A_PERSON, TOOLS

READING = ("list_dir", "glob", "grep", "read_file", "git_log", "git_show", "git_blame")
WRITING = ("edit_file", "write_file", "apply_patch", "run_tests", "todo", "ask_person")
WITHOUT_WORKTREE = ("git_log", "git_show", "git_blame", "todo", "web_fetch", "web_search")
"""Tools that an agent without a worktree can use."""


IN_CONVERSATION = (
    *READING,
    *(tool for tool in WRITING if tool != "ask_person"),
    *("shell", "web_fetch", "web_search"),
    *FOR_A_PERSON,
)
"""Tools of whoever talks with a person, as far as there is what they need."""
NOT_IN_CONVERSATION = ("ask_person", "memory", "delegate")
"""A question there is an answer, a note is kept by `remember`, and nobody is there to delegate to."""


def addable(spec: AgentSpec) -> tuple[str, ...]:
    """Names of the tools that an operator may give an agent besides its own."""
    if spec.conversational:
        return tuple(name for name in (*TOOLS, *FOR_A_PERSON) if name not in NOT_IN_CONVERSATION)
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


def conversationalist(own: Limits = CHAT_LIMITS) -> AgentSpec:
    """Who talks with a person at the keyboard, and works on a copy of their repository.

    Args:
        own: Limits of one answer.
    """
    return AgentSpec(
        CHAT,
        _prompt(CHAT, own),
        IN_CONVERSATION,
        BaseModel,
        own.turns,
        own.seconds,
        Plane.WHOLE,
        conversational=True,
    )


def delegates(limits: Mapping[str, Limits] = DELEGATE_LIMITS) -> tuple[AgentSpec, ...]:
    """Whom the tool `delegate` hands tasks to: they only read, and hand nothing on.

    Args:
        limits: By kind.
    """
    outputs: Mapping[str, type[BaseModel]] = {"investigator": Investigation, "reviewer": Review}
    return tuple(
        AgentSpec(name, _prompt(name, own), READING, outputs[name], own.turns, own.seconds)
        for name, own in limits.items()
    )


def _prompt(name: str, limits: Limits) -> str:
    text = resources.files(__package__).joinpath(f"{name}.md").read_text(encoding="utf-8").strip()
    return text.replace("{turns}", str(limits.turns)).replace("{seconds}", f"{limits.seconds:g}")
