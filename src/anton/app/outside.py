"""Which side each service outside is on. Adapters of vendors are imported where they are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from anton.adapters.chat.local import LocalChat
from anton.adapters.key_file import load_key
from anton.adapters.tracker.local import LocalTracker
from anton.adapters.tracker.routed import RoutedTracker
from anton.adapters.web.closed import ClosedWeb, NoSearch
from anton.app.github import GitHubSide
from anton.core.ticket import Ticket
from anton.ports import Chat, Search, Tracker, Web
from anton.settings import Settings


def chat_of(settings: Settings) -> Chat:
    """Slack where there is a token, else Markdown files."""
    slack, public = settings.slack, settings.server.public_url
    if slack.bot_token is None or slack.channel is None:
        return LocalChat(settings.home / "messages")
    adapter = import_module("anton.adapters.chat.slack")
    chat: Chat = adapter.SlackChat(
        slack.bot_token.get_secret_value(),
        slack.channel,
        load_key(settings.home),
        page_url=f"{public}/runs/{{run_id}}" if public else "",
        base_url=f"{slack.base_url}/",
        channel_ids=settings.home / "slack_channels.json",
    )
    return chat


def tracker_of(settings: Settings, samples: Sequence[Ticket], github: GitHubSide) -> Tracker:
    """Jira and GitHub for their own tickets where there is a token, Markdown files for all others."""
    jira, local = settings.jira, LocalTracker(settings.home / "tickets", samples)
    homes: dict[str, Tracker] = {}
    if (issues := github.issues(local)) is not None:
        homes["github"] = issues
    if jira.api_token is not None:
        adapter = import_module("anton.adapters.tracker.jira")
        workflow = jira.model_dump(include={"done", "in_progress", "finished"})
        token = jira.api_token.get_secret_value()
        homes["jira"] = adapter.jira_tracker(jira.base_url, jira.email, token, workflow)
    return RoutedTracker(homes, local) if homes else local


def web_of(settings: Settings) -> Web:
    """Pages of the hosts that the settings list; none where they list none."""
    if not settings.web.allow:
        return ClosedWeb()
    web: Web = import_module("anton.adapters.web.guarded").GuardedWeb(settings.web.allow)
    return web


def search_of(settings: Settings) -> Search:
    """The search server that the settings name, if they name one."""
    if not settings.web.search_url:
        return NoSearch()
    search: Search = import_module("anton.adapters.web.searxng").SearxngSearch(settings.web.search_url)
    return search
