"""The agents as the settings have them, and what they work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from anton.adapters.hooks.masked import MaskedHooks
from anton.adapters.hooks.none import NoHooks
from anton.adapters.hooks.programs import Program, ProgramHooks
from anton.adapters.sandbox.closed import UnconfinedSandbox
from anton.agents.roster import addable, delegates, roster
from anton.app.added import added_tools
from anton.app.conversation import Counter
from anton.core.agent import AGENTS, AgentSpec, Limits
from anton.core.event import HookMoment
from anton.core.secrets import Masker
from anton.core.tool import Tool
from anton.ports import Hooks, Search, Web
from anton.runs.world import Bench, CommandLine
from anton.settings import Settings, hook_environment_of_process
from anton.tools.catalogue import FOR_A_PERSON, TOOLS
from anton.tools.context import BaseHistory, Terminal, ToolContext
from anton.tools.define import FunctionTool, PublishingTool
from anton.tools.worktree import Worktree


def equip(
    bench: Bench,
    web: Web | None = None,
    search: Search | None = None,
    added: Mapping[str, FunctionTool] = MappingProxyType({}),
    served: Mapping[str, Tool] = MappingProxyType({}),
    counter: Counter | None = None,
) -> Mapping[str, Tool]:
    """The tools of an agent, bound to its worktree, and to the web as far as it is open.

    Args:
        bench: The agent's surroundings.
        web: Pages that may be read.
        search: Where the web is searched.
        added: Tools of plugins.
        served: Tools of servers.
        counter: By which ports an agent in conversation reads and speaks for a person.
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
        desk=counter.desk(bench.voice) if counter and bench.voice else None,
    )
    own: Mapping[str, FunctionTool | PublishingTool] = {**added, **TOOLS, **FOR_A_PERSON}
    return {name: served.get(name) or own[name].bind(context) for name in bench.names}


def _terminal(line: CommandLine | None) -> Terminal | None:
    """What runs outside the sandbox still gets no environment, no input, and an end."""
    if line is None:
        return None
    unconfined = UnconfinedSandbox("a person let this command out of the sandbox")
    return Terminal(line.prepare, line.sandbox, unconfined, line.folder)


def hooks_of(settings: Settings, masker: Masker) -> Hooks:
    """The operator's programs, in the order in which they are told; of no secret."""
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
    if not programs:
        return NoHooks()
    return MaskedHooks(ProgramHooks(programs, hook_environment_of_process()), masker)


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


def delegates_of(settings: Settings) -> tuple[AgentSpec, ...]:
    """Whom agents may delegate to; they work with the model of the agent that does."""
    model, agents = settings.model, settings.agents
    limits = {
        name: Limits(own.turns, own.seconds)
        for name, own in (("investigator", agents.investigator), ("reviewer", agents.reviewer))
    }
    return tuple(
        replace(spec, context_tokens=model.context_tokens, reasoning_effort=model.reasoning_effort)
        for spec in delegates(limits)
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
        tools=tuple(
            dict.fromkeys(
                (*spec.tools, *added_tools(settings, spec.name, (*addable(spec), *of_plugins)), *served)
            )
        ),
    )
