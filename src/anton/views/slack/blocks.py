"""Block Kit within its limits, whatever the text.

Outside text goes into `plain_text` and preformatted elements, which know no markup; only words of our own and
figures are mrkdwn. Limits and escapes: https://docs.slack.dev/reference/block-kit/blocks and
https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from anton.views.encode import cut, line, paragraphs, revealed

Block = dict[str, object]

MAX_BLOCKS = 50
SECTION_CHARACTERS = 3_000
FIELD_CHARACTERS = 2_000
MAX_FIELDS = 10
HEADER_CHARACTERS = 150
BUTTON_CHARACTERS = 75
VALUE_CHARACTERS = 2_000
TITLE_CHARACTERS = 24
"""Of a modal's title and its buttons."""
FALLBACK_CHARACTERS = 3_000
"""Of a message's text beside its blocks, for notifications; Slack advises 4,000."""
PREFORMATTED_CHARACTERS = 2_900
"""Of one preformatted text, by our own choice: longer ones fold up badly on a phone."""
_WHOLE = 1_000_000
"""Characters that are looked at before a text is clipped."""
_NOTICE = 40
"""Room for the notice of a cut."""


@dataclass(frozen=True, slots=True)
class Post:
    """What is said in one message."""

    text: str
    """Mrkdwn, for notifications and for clients without blocks."""
    blocks: tuple[Block, ...]


def clipped(text: str, limit: int) -> str:
    """At most `limit` characters as Slack counts them, the notice of a cut included."""
    if _length(text) <= limit:
        return text
    kept = text[: limit - _NOTICE]
    while _length(kept) > limit - _NOTICE:
        kept = kept[:-1]
    return cut(text, len(kept))


def _length(text: str) -> int:
    """UTF-16 code units: whichever way Slack counts, no fewer."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def escaped(text: str, limit: int = 300) -> str:
    """One line of outside text inside mrkdwn: it mentions nobody, links nowhere and formats nothing."""
    inert = line(text, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # No backslash escapes a mark in mrkdwn; a look-alike stands in its place.
    return inert.translate({ord("*"): "∗", ord("_"): "＿", ord("~"): "∼", ord("`"): "ˋ", ord("@"): "＠"})


def code(text: str, limit: int = 300) -> str:
    """One line of outside text as it is written, in a typewriter's face inside mrkdwn."""
    inert = line(text, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"`{inert.translate({ord('`'): 'ˋ', ord('@'): '＠'})}`" if inert else "`\u2009`"


def plain(text: str, limit: int) -> Block:
    """A text object in which nothing is markup; a space where there is nothing to say."""
    return {"type": "plain_text", "text": clipped(paragraphs(text, _WHOLE), limit) or " ", "emoji": False}


def mrkdwn(text: str, limit: int = SECTION_CHARACTERS) -> Block:
    """A text object of our own words; outside words in it have passed `escaped`."""
    return {"type": "mrkdwn", "text": clipped(text, limit) or " ", "verbatim": True}


def header(text: str) -> Block:
    """A headline of outside words."""
    return {"type": "header", "text": plain(line(text), HEADER_CHARACTERS)}


def said(text: str) -> Block:
    """A paragraph of our own words."""
    return {"type": "section", "text": mrkdwn(text)}


def told(text: str) -> Block:
    """A paragraph of outside words."""
    return {"type": "section", "text": plain(text, SECTION_CHARACTERS)}


def fields(pairs: Mapping[str, str]) -> Block:
    """Names of our own and values in mrkdwn, side by side; outside words have passed `escaped` or `code`."""
    shown = [
        mrkdwn(f"*{name}*\n{value}", FIELD_CHARACTERS) for name, value in list(pairs.items())[:MAX_FIELDS]
    ]
    return {"type": "section", "fields": shown}


def context(*texts: str) -> Block:
    """Small print of our own words."""
    return {"type": "context", "elements": [mrkdwn(text) for text in texts[:10]]}


def preformatted(text: str, limit: int = PREFORMATTED_CHARACTERS) -> Block:
    """Text in a typewriter's face, in which nothing is markup and nothing is unseen."""
    element = {"type": "text", "text": clipped(revealed(text).rstrip("\n"), limit) or " "}
    return {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [element]}]}


def button(label: str, action: str, value: Mapping[str, str], style: str = "") -> Block:
    """A button that comes back as `action` with `value`.

    Args:
        label: Our own words.
        action: Its `action_id`.
        value: Small; see VALUE_CHARACTERS.
        style: `primary`, `danger` or none.

    Raises:
        ValueError: the value is too long to come back whole.
    """
    carried = json.dumps(value, separators=(",", ":"), sort_keys=True)
    if _length(carried) > VALUE_CHARACTERS:
        raise ValueError(f"the value of the button {action!r} has {len(carried)} characters")
    made: Block = {
        "type": "button",
        "action_id": action,
        "text": plain(label, BUTTON_CHARACTERS),
        "value": carried,
    }
    return {**made, "style": style} if style else made


def link_button(label: str, action: str, url: str) -> Block:
    """A button that opens a page."""
    return {"type": "button", "action_id": action, "text": plain(label, BUTTON_CHARACTERS), "url": url}


def actions(name: str, buttons: Sequence[Block]) -> Block:
    """A row of buttons."""
    return {"type": "actions", "block_id": name, "elements": list(buttons)}


def confirmed(made: Block, title: str, text: str, yes: str) -> Block:
    """The button with a question behind it."""
    asked = {
        "title": plain(title, 100),
        "text": plain(text, 300),
        "confirm": plain(yes, 30),
        "deny": plain("Back", 30),
    }
    return {**made, "confirm": asked}


def post(text: str, blocks: Sequence[Block]) -> Post:
    """A message of at most MAX_BLOCKS blocks; where some are left out, the last one says so."""
    kept = tuple(blocks)
    if len(kept) > MAX_BLOCKS:
        left_out = len(kept) - MAX_BLOCKS + 1
        kept = (*kept[: MAX_BLOCKS - 1], context(f"{left_out} more parts are left out here."))
    return Post(clipped(text, FALLBACK_CHARACTERS), kept)
