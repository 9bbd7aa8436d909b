"""Who talks with a person at the keyboard, and by which ports it reads and speaks for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from anton.adapters.forge.routed import RoutedForge
from anton.agents.roster import addable, conversationalist
from anton.app.added import added_tools, refused_tool
from anton.core.agent import AGENTS, CHAT, AgentSpec, Limits
from anton.ports import Board, Chat, CodeSearch, Correspondence, Discussions, Forge, Model, Tracker
from anton.runs.world import Voice
from anton.settings import Settings
from anton.tools.context import Desk


@dataclass(frozen=True, slots=True)
class Counter:
    """The ports that an agent in conversation reads and speaks by, each as far as it can."""

    tracker: Tracker
    correspondence: Correspondence | None
    discussions: Discussions | None
    code_search: CodeSearch | None
    board: Board | None

    def desk(self, voice: Voice) -> Desk:
        """The same for one agent's tools."""
        return Desk(
            voice.conversation,
            voice.mask,
            voice.propose,
            voice.remember,
            self.tracker,
            self.correspondence,
            self.discussions,
            self.code_search,
            self.board,
        )


def counter_of(settings: Settings, tracker: Tracker, forge: Forge, chat: Chat) -> Counter:
    """What the ports that are in use can do besides."""
    # Of GitHub only one repository is read: the one that is set.
    unnamed = isinstance(forge, RoutedForge) and settings.github.repo is None
    return Counter(
        tracker,
        tracker if isinstance(tracker, Correspondence) else None,
        forge if isinstance(forge, Discussions) and not unnamed else None,
        forge if isinstance(forge, CodeSearch) and not unnamed else None,
        chat if isinstance(chat, Board) else None,
    )


def conversationalist_of(
    settings: Settings, counter: Counter, of_plugins: Sequence[str] = (), served: Sequence[str] = ()
) -> AgentSpec:
    """Who talks with a person at the keyboard, with the tools that there is something behind.

    Args:
        settings: `[agents.chat]` says what is added and taken away.
        counter: What there is.
        of_plugins: Names of the tools that plugins add.
        served: Names of the tools that servers offer it.

    Raises:
        UsageError: a tool is added that it cannot have, or taken away that it has not.
    """
    own, model = settings.agents.chat, settings.model
    spec = conversationalist(Limits(own.turns, own.seconds))
    missing = frozenset(_missing(settings, counter))
    usual = [name for name in spec.tools if name not in missing]
    allowed = [name for name in addable(spec) if name not in missing]
    tools = (*usual, *added_tools(settings, CHAT, (*allowed, *of_plugins)), *served)
    for name in own.without:
        if name not in tools:
            raise refused_tool(settings, CHAT, "without", name, tools)
    return replace(
        spec,
        model=own.model,
        context_tokens=model.context_tokens,
        reasoning_effort=own.reasoning_effort or model.reasoning_effort,
        tools=tuple(name for name in dict.fromkeys(tools) if name not in own.without),
    )


def models_of(settings: Settings, model: Model) -> tuple[str, ...]:
    """Names of the models that may answer in a conversation: those of the model's own endpoint.

    A model that stands in for it at another endpoint is not among them: a request names a model, not where.
    """
    own, agents = settings.model, settings.agents
    found = (
        model.name,
        *agents.chat.models,
        *(each.model for each in (agents.chat, *map(agents.of, AGENTS)) if each.model),
        *(other.name for other in own.fallback if other.base_url is None),
        *own.prices,
    )
    elsewhere = {other.name for other in own.fallback if other.base_url}
    return tuple(name for name in dict.fromkeys(found) if name not in elsewhere)


def _missing(settings: Settings, counter: Counter) -> Iterator[str]:
    """Names of tools that there is nothing behind."""
    if not settings.web.allow:
        yield "web_fetch"
    if not settings.web.search_url:
        yield "web_search"
    if counter.discussions is None:
        yield "github_issue"
    if counter.code_search is None:
        yield "github_search"
    if counter.correspondence is None:
        yield from ("jira_comment", "jira_close")
    if counter.board is None:
        yield "slack_post"
