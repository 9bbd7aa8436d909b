"""The windows that buttons open.

Source: https://docs.slack.dev/reference/views/modal-views
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from anton.views.slack.blocks import TITLE_CHARACTERS, Block, plain, told
from anton.views.slack.message import CHOICE

CHANGES_VIEW, ANSWER_VIEW = "anton_changes", "anton_answer_text"
"""Callback ids."""
INPUT = "text"
"""Block id and action id of the one field that a person fills in."""
MAX_INPUT_CHARACTERS = 3_000
"""What Slack takes in one field."""


def changes_window(choice: str, headline: str) -> Block:
    """Asks what should change in the briefing that was looked at; `choice` is what the button carried."""
    carried = {CHOICE: choice}
    label = "What should change? It goes to the agents as you write it."
    return _window(CHANGES_VIEW, carried, "Request changes", "Send to agents", headline, label)


def answer_window(run_id: str, question: str, text: str) -> Block:
    """Asks for the answer to an agent's question."""
    carried = {"run": run_id, "question": question}
    return _window(ANSWER_VIEW, carried, "Answer", "Send answer", text, "Your answer")


def _window(
    callback: str, carried: Mapping[str, str], title: str, submit: str, above: str, label: str
) -> Block:
    field = {
        "type": "plain_text_input",
        "action_id": INPUT,
        "multiline": True,
        "min_length": 1,
        "max_length": MAX_INPUT_CHARACTERS,
    }
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": json.dumps(carried, separators=(",", ":"), sort_keys=True),
        "title": plain(title, TITLE_CHARACTERS),
        "submit": plain(submit, TITLE_CHARACTERS),
        "close": plain("Back", TITLE_CHARACTERS),
        "blocks": [
            told(above),
            {"type": "input", "block_id": INPUT, "label": plain(label, 2_000), "element": field},
        ],
    }
