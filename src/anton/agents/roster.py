"""Who does what: the four agents as data."""

from __future__ import annotations

from importlib import resources

from anton.core.agent import AgentSpec, Plane
from anton.core.report import CodeReport, PullRequestText, TestReport, TriageReport
from anton.tools.catalogue import TOOLS

READING = ("list_dir", "glob", "grep", "read_file", "git_log", "git_show", "git_blame")
WRITING = ("edit_file", "write_file", "apply_patch", "run_tests", "todo")
WITHOUT_WORKTREE = ("git_log", "git_show", "git_blame", "todo", "web_fetch", "web_search")
"""Tools that an agent without a worktree can use."""


def addable(spec: AgentSpec) -> tuple[str, ...]:
    """Names of the tools that an operator may give an agent besides its own."""
    return WITHOUT_WORKTREE if spec.plane is Plane.NONE else tuple(TOOLS)


def _prompt(name: str) -> str:
    text = resources.files(__package__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    return text.strip()


def roster() -> tuple[AgentSpec, ...]:
    """Triage, code, test and pr with their default limits."""
    return (
        AgentSpec("triage", _prompt("triage"), (), TriageReport, turns=5, seconds=60),
        AgentSpec("code", _prompt("code"), READING + WRITING, CodeReport, 15, 180, Plane.SOURCE),
        AgentSpec("test", _prompt("test"), READING + WRITING, TestReport, 20, 300, Plane.TESTS),
        AgentSpec("pr", _prompt("pr"), (), PullRequestText, turns=5, seconds=60),
    )
