"""Every setting that is in force, as text: what `anton config` shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, SecretStr

from anton.app.half_set import half_set
from anton.app.secrets import masker_of, names_a_secret
from anton.entrypoints.composition import Setting, Wish
from anton.settings import Settings, settings_of_process

HIDDEN = frozenset({"env", "options"})
"""Names of tables whose values may be secrets: only their names are shown."""
NOT_SHOWN = "(set, not shown)"
_GIVEN = re.compile(r"(-{0,2}[A-Za-z][A-Za-z0-9_.-]*)(\s*[=:]\s*)(?=\S)(?!//)")
"""A word that names something and gives its value at once: `--token=…`, `KEY=…`, `Authorization: …`."""
_QUERY = re.compile(r"([?&;#])([A-Za-z0-9_.-]{1,100})=([^&;#\s]+)")


def settings_in_force(wish: Wish) -> tuple[Setting, ...]:
    """All settings in the order in which they are documented.

    Raises:
        UsageError: one is wrong; file, key and what is allowed are named.
    """
    settings = settings_of_process(wish.repository, wish.config)
    masker = masker_of(settings)
    lacking = {key: half.reason for half in half_set(settings).values() for key, _ in half.missing}
    return tuple(
        replace(setting, value=masker.mask(setting.value), lacking=lacking.get(setting.key, ""))
        for setting in _listed(settings, settings, ())
    )


def _listed(settings: Settings, section: BaseModel, keys: tuple[str, ...]) -> Iterator[Setting]:
    for name in type(section).model_fields:
        value, own = getattr(section, name), (*keys, name)
        if isinstance(value, BaseModel):
            yield from _listed(settings, value, own)
        elif isinstance(value, Mapping) and value and name not in HIDDEN:
            for key, inner in value.items():
                shown = json.dumps(_plain(key, inner), ensure_ascii=False)
                yield Setting(_dotted(*own, str(key)), shown, settings.origin(*own, str(key)))
        else:
            yield Setting(_dotted(*own), _shown(name, value), settings.origin(*own))


def _dotted(*keys: str) -> str:
    """The key as a settings file would have it."""
    return ".".join(key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key) for key in keys)


def _shown(name: str, value: object) -> str:
    """A value as a settings file would have it; empty where nothing is set."""
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return NOT_SHOWN
    if name in HIDDEN and isinstance(value, Mapping):
        return ", ".join(sorted(value))
    return json.dumps(_plain(name, value), ensure_ascii=False)


def _plain(name: str, value: object) -> object:
    """The value without any secret in it, as JSON has values; of a table only what somebody set."""
    match value:
        case SecretStr():
            return NOT_SHOWN
        case BaseModel():
            return {key: _plain(key, getattr(value, key)) for key in value.model_fields_set}
        case Mapping() if name in HIDDEN:
            return dict.fromkeys(map(str, value), NOT_SHOWN)
        case Mapping():
            return {str(key): _plain(str(key), inner) for key, inner in value.items()}
        case tuple() | list() if all(isinstance(word, str) for word in value):
            return list(_without_secrets(value))
        case tuple() | list() | set() | frozenset():
            return [_plain(name, inner) for inner in value]
        case Path():
            return str(value)
        case str():
            return _QUERY.sub(_without_value, value)
        case None | bool() | int() | float():
            return value
        case _:
            return str(value)


def _without_secrets(words: Iterable[str]) -> Iterator[str]:
    """The words of a command line, without what follows a name that is a secret's."""
    due = False
    for word in words:
        given = _GIVEN.match(word)
        if due and not word.startswith("--"):
            yield NOT_SHOWN
            due = False
        elif given and names_a_secret(given[1]):
            yield f"{given[1]}{given[2]}{NOT_SHOWN}"
            due = False
        else:
            due = word.startswith("-") and given is None and names_a_secret(word)
            yield _QUERY.sub(_without_value, word)


def _without_value(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}={NOT_SHOWN}" if names_a_secret(found[2]) else found[0]
