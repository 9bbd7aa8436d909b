"""Which side each service outside is on. Adapters of vendors are imported where they are chosen."""

from __future__ import annotations

from importlib import import_module

from anton.adapters.chat.local import LocalChat
from anton.adapters.key_file import load_key
from anton.ports import Chat
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
    )
    return chat
