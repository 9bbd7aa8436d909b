"""What Slack sends when somebody presses a button or fills in a window, read with care.

Source: https://docs.slack.dev/reference/interaction-payloads
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, Self
from urllib.parse import parse_qsl

from pydantic import BaseModel, Field, ValidationError, model_validator

from anton.core.errors import UsageError
from anton.entrypoints.intake import parse_json
from anton.entrypoints.server.guard import MAX_BODY_BYTES
from anton.views.slack.modals import INPUT

Body = Mapping[str, Any]
"""A payload, as Bolt hands it on."""


def malformed(body: bytes) -> str:
    """Why a body is nothing that Slack sends; empty where it may be.

    Bolt takes for granted what its own sender always puts in.
    """
    fields = dict(parse_qsl(body.decode("utf-8", "replace")))
    if "payload" not in fields:
        return ""
    try:
        payload = parse_json(fields["payload"].encode(), MAX_BODY_BYTES)
        _Payload.model_validate(payload)
    except (UsageError, ValidationError):
        return "the payload is none that Slack sends when somebody presses a button or fills in a window"
    return ""


class _Action(BaseModel):
    action_id: str


class _View(BaseModel):
    type: str
    callback_id: str


class _Payload(BaseModel):
    """What every payload of ours has."""

    type: Literal["block_actions", "view_submission", "view_closed"]
    actions: list[_Action] = Field(default_factory=list)
    view: _View | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.type == "block_actions" and not self.actions:
            raise ValueError("names no action")
        if self.type != "block_actions" and self.view is None:
            raise ValueError("names no view")
        return self


def pressed(body: Body) -> tuple[str, Mapping[str, str]]:
    """Action and value of the button that was pressed; an empty value where it is none of ours."""
    actions = body.get("actions") or [{}]
    return str(actions[0].get("action_id", "")), _carried(actions[0].get("value"))


def filled_in(body: Body) -> tuple[Mapping[str, str], str]:
    """What a window carries, and what the person wrote."""
    view = body.get("view") or {}
    field = ((view.get("state") or {}).get("values") or {}).get(INPUT, {}).get(INPUT, {})
    return _carried(view.get("private_metadata")), str(field.get("value") or "")


def _carried(text: object) -> Mapping[str, str]:
    try:
        value = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        value = {}
    if not isinstance(value, dict):
        return {}
    return {name: held for name, held in value.items() if isinstance(held, str)}
