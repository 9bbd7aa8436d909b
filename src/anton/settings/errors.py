"""Mistakes in settings as sentences: where, which key, what was given, what is allowed. Never a secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from anton.core.errors import UsageError
from anton.settings.model import Keys

SHOWN_MISTAKES = 5
SHOWN_CHARACTERS = 80

_SECRET: frozenset[Keys] = frozenset(
    {
        ("model", "api_key"),
        ("model", "fallback", "api_key"),
        ("database_url",),
        ("tests", "env"),
        ("hooks", "env"),
        ("mcp", "servers"),
        ("plugins", "options"),
        ("server", "api_token"),
        ("webhooks",),
        ("slack", "bot_token"),
        ("jira", "api_token"),
        ("slack", "signing_secret"),
        ("slack", "app_token"),
    }
)
_WORDS = {
    "tuple_type": 'must be a list of texts, as in ["make", "test"]',
    "model_type": "must be a table",
    "mapping_type": "must be a table",
    "path_type": "must be a path, written as text",
}


def explained(
    error: ValidationError, root: type[BaseModel], origin: Callable[[Keys], str], prefix: Keys = ()
) -> UsageError:
    """What the person is told.

    Args:
        error: What the check of a model found.
        root: The model of all settings, where allowed keys are looked up.
        origin: Which layer a key's value is from.
        prefix: Where in `root` the model that was checked stands.
    """
    details = error.errors(include_url=False, include_context=False)
    lines = [_line(detail, root, origin, prefix) for detail in details[:SHOWN_MISTAKES]]
    if len(details) > SHOWN_MISTAKES:
        lines.append(f"and {len(details) - SHOWN_MISTAKES} more")
    return UsageError("\n".join(lines))


def _line(detail: ErrorDetails, root: type[BaseModel], origin: Callable[[Keys], str], prefix: Keys) -> str:
    keys = (*prefix, *(str(key) for key in detail["loc"] if key != "[key]"))
    dotted = ".".join(map(_bounded, keys))
    where = origin(keys)
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown key {dotted!r}: {_suggestion(keys, root)}"
    if detail["type"] == "missing":
        return f"{where}: {dotted} is missing"
    words = _WORDS.get(detail["type"]) or _plain(detail["msg"])
    given = _shown(keys, detail["input"])
    return f"{where}: {dotted} is {given}: it {words}" if given else f"{where}: {dotted} {words}"


def _plain(message: str) -> str:
    message = message.removeprefix("Value error, ").removeprefix("Input ")
    return message.replace("should be", "must be", 1).replace("should have", "must have", 1)


def _shown(keys: Keys, value: object) -> str:
    """The value as it may be shown; empty for what says nothing or must not be said."""
    named = tuple(key for key in keys if not key.isdigit())  # without the places in a list
    if any(named[: len(secret)] == secret for secret in _SECRET) or isinstance(value, (Mapping, BaseModel)):
        return ""
    if isinstance(value, int) and value.bit_length() > 200:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, str) and "@" in value:
        value = "…@" + value.rpartition("@")[2]  # what stands before it may be a password
    return _bounded(repr(value)) if isinstance(value, (str, int, float)) else f"a {type(value).__name__}"


def _suggestion(keys: Keys, root: type[BaseModel]) -> str:
    model = _model_at(keys[:-1], root)
    allowed = sorted(model.model_fields) if model else []
    close = get_close_matches(keys[-1][:SHOWN_CHARACTERS], allowed, n=1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f"{meant}Allowed here: {', '.join(allowed)}"


def _model_at(keys: Keys, root: type[BaseModel]) -> type[BaseModel] | None:
    """The model of the table that `keys` lead to; the names within a mapping are the user's own."""
    model: type[BaseModel] | None = root
    for key in keys:
        if model is None:
            return None
        if key not in model.model_fields:
            continue
        annotation = model.model_fields[key].annotation
        candidates = (annotation, *get_args(annotation))
        models = [kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)]
        model = models[0] if models else None
    return model


def _bounded(text: str) -> str:
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
