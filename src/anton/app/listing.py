"""Every setting that is in force, as text: what `anton config` shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, SecretStr

from anton.entrypoints.composition import Setting, Wish
from anton.settings import Settings, settings_of_process

HIDDEN = frozenset({"env", "options"})
"""Names of tables whose values may be secrets: only their names are shown."""


def settings_in_force(wish: Wish) -> tuple[Setting, ...]:
    """All settings in the order in which they are documented.

    Raises:
        UsageError: one is wrong; file, key and what is allowed are named.
    """
    settings = settings_of_process(wish.repository, wish.config)
    return tuple(_listed(settings, settings, ()))


def _listed(settings: Settings, section: BaseModel, keys: tuple[str, ...]) -> Iterator[Setting]:
    for name in type(section).model_fields:
        value, own = getattr(section, name), (*keys, name)
        if isinstance(value, BaseModel):
            yield from _listed(settings, value, own)
        else:
            yield Setting(".".join(own), _shown(name, value), settings.origin(*own))


def _shown(name: str, value: object) -> str:
    """A value as a settings file would have it; empty where nothing is set."""
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return "(set, not shown)"
    if name in HIDDEN and isinstance(value, Mapping):
        return ", ".join(sorted(value))
    return json.dumps(_plain(name, value), ensure_ascii=False)


def _plain(name: str, value: object) -> object:
    """The value without any secret in it, as JSON has values."""
    match value:
        case SecretStr():
            return "(set, not shown)"
        case BaseModel():
            return {key: _plain(key, getattr(value, key)) for key in type(value).model_fields}
        case Mapping() if name in HIDDEN:
            return dict.fromkeys(map(str, value), "(not shown)")
        case Mapping():
            return {str(key): _plain(str(key), inner) for key, inner in value.items()}
        case tuple() | list() | set() | frozenset():
            return [_plain(name, inner) for inner in value]
        case Path():
            return str(value)
        case None:
            return None
        case bool() | int() | float() | str():
            return value
        case _:
            return str(value)
