"""The agents as the settings have them, and what they work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from types import MappingProxyType

from anton.adapters.hooks.none import NoHooks
from anton.adapters.hooks.programs import Program, ProgramHooks
from anton.adapters.sandbox.closed import UnconfinedSandbox
from anton.agents.roster import addable, conversationalist, delegates, roster
from anton.core.agent import AGENTS, AgentSpec, Limits
from anton.core.errors import UsageError
from anton.core.event import HookMoment
from anton.core.tool import Tool
from anton.ports import Hooks, Search, Web
from anton.runs.world import Bench, CommandLine
from anton.settings import Settings, hook_environment_of_process
from anton.tools.catalogue import TOOLS
from anton.tools.context import BaseHistory, Terminal, ToolContext
from anton.tools.define import FunctionTool
from anton.tools.worktree import Worktree


def equip(
    bench: Bench,
    web: Web | None = None,
    search: Search | None = None,
    added: Mapping[str, FunctionTool] = MappingProxyType({}),
    served: Mapping[str, Tool] = MappingProxyType({}),
) -> Mapping[str, Tool]:
    """The tools of an agent, bound to its worktree, and to the web as far as it is open.

    Args:
        bench: The agent's surroundings.
        web: Pages that may be read.
        search: Where the web is searched.
        added: Tools of plugins.
        served: Tools of servers.
    """
    history = BaseHistory(bench.past, bench.commit)
    tree = Worktree(bench.worktree)
    terminal = _terminal(bench.command_line)
    context = ToolContext(
        tree,
        bench.owns,
        bench.run_tests,
        history,
        web,
        search,
        bench.ask,
        terminal,
        delegate=bench.delegate,
    )
    own = {**added, **TOOLS}
    return {name: served.get(name) or own[name].bind(context) for name in bench.names}


def _terminal(line: CommandLine | None) -> Terminal | None:
    """What runs outside the sandbox still gets no environment, no input, and an end."""
    if line is None:
        return None
    unconfined = UnconfinedSandbox("a person let this command out of the sandbox")
    return Terminal(line.prepare, line.sandbox, unconfined, line.folder)


def hooks_of(settings: Settings) -> Hooks:
    """The operator's programs, in the order in which they are told."""
    programs = [
        Program(
            HookMoment(hook.moment),
            hook.command,
            hook.seconds,
            frozenset(hook.tools),
            frozenset(hook.agents),
            hook.env,
        )
        for hook in settings.hooks
    ]
    return ProgramHooks(programs, hook_environment_of_process()) if programs else NoHooks()


def specs_of(
    settings: Settings,
    added: Mapping[str, FunctionTool] = MappingProxyType({}),
    served: Mapping[str, Mapping[str, Tool]] = MappingProxyType({}),
) -> tuple[AgentSpec, ...]:
    """The four agents with their limits, models and tools, also those of plugins and servers.

    Raises:
        UsageError: an agent is given a tool that there is none of, or that it cannot have.
    """
    named = {name: settings.agents.of(name) for name in AGENTS}
    limits = {name: Limits(own.turns, own.seconds) for name, own in named.items()}
    return tuple(
        _configured(spec, settings, tuple(added), tuple(served.get(spec.name, {}))) for spec in roster(limits)
    )


def conversationalist_of(settings: Settings) -> AgentSpec:
    """Who talks with a person at the keyboard, with the model of the settings."""
    model = settings.model
    return replace(
        conversationalist(), context_tokens=model.context_tokens, reasoning_effort=model.reasoning_effort
    )


def delegates_of(settings: Settings) -> tuple[AgentSpec, ...]:
    """Whom agents may delegate to; they work with the model of the agent that does."""
    model = settings.model
    return tuple(
        replace(spec, context_tokens=model.context_tokens, reasoning_effort=model.reasoning_effort)
        for spec in delegates()
    )


def _configured(
    spec: AgentSpec, settings: Settings, of_plugins: tuple[str, ...], served: tuple[str, ...]
) -> AgentSpec:
    own = settings.agents.of(spec.name)
    return replace(
        spec,
        model=own.model,
        context_tokens=settings.model.context_tokens,
        reasoning_effort=own.reasoning_effort or settings.model.reasoning_effort,
        tools=tuple(dict.fromkeys((*spec.tools, *_added_tools(spec, settings, of_plugins), *served))),
    )


def _added_tools(spec: AgentSpec, settings: Settings, of_plugins: tuple[str, ...]) -> tuple[str, ...]:
    added, allowed = settings.agents.of(spec.name).tools, (*addable(spec), *of_plugins)
    for name in added:
        if name not in allowed:
            origin = settings.origin("agents", spec.name, "tools")
            close = get_close_matches(name, allowed, n=1)
            meant = f"did you mean {close[0]!r}? " if close else ""
            raise UsageError(
                f"{origin}: agents.{spec.name}.tools names {name[:60]!r}, which it cannot be given: {meant}"
                f"Allowed here: {', '.join(sorted(allowed))}"
            )
    return added
