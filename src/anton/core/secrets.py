"""Secrets are taken out of texts: configured values by what they are, all others by what they look like.

A configured value is known to the letter, so it is found in whatever it was written as: plain, in JSON, in a
URL, in HTML, in hexadecimal, in base64 at any offset. Tokens of which nobody told us are known by the shape
that their vendor gave them (`core.secret_shapes`).

What is left in a secret's place says what it was and matches nothing here, so that masking twice is masking
once. Nothing depends on when or where a text is masked: the same text becomes the same text.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import html
import json
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TypeVar, cast
from urllib.parse import quote, quote_plus

from anton.core.secret_shapes import SHAPES, Shape

MIN_CHARACTERS = 8
"""Of a configured value that is looked for; a shorter one stands in too many texts by chance."""
MIN_LINE_CHARACTERS = 24
"""Of a line of a configured value of several lines that is looked for by itself, such as a key's."""
SHORT = 400
"""Characters of a text that is remembered once it was found harmless: names of tests come again and again."""
REMEMBERED = 50_000
MASK = "[masked]"
_STARTS = re.compile("|".join(re.escape(start) for shape in SHAPES for start in shape.starts))

Thing = TypeVar("Thing")


class Masker:
    """Takes secrets out of texts.

    Args:
        values: What a configured value is called, as a person would find it → the value. Values of fewer than
            MIN_CHARACTERS are passed over.
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        named: dict[str, str] = {}
        for name, value in (values or {}).items():
            for form in _forms(value):
                named.setdefault(form, name)
        self._forms = tuple(sorted(named, key=lambda form: (-len(form), form)))
        self._marks = {form: self._mark(name) for form, name in named.items()}
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if self._forms else None
        self._shape_marks = {shape.name: self._mark(shape.name) for shape in SHAPES}
        self._harmless: set[str] = set()

    def mask(self, text: str) -> str:
        """The text without secrets."""
        if len(text) > SHORT:
            return self._searched(text)
        if text in self._harmless:
            return text
        if _STARTS.search(text) or (self._pattern is not None and self._pattern.search(text)):
            return self._searched(text)
        if len(self._harmless) >= REMEMBERED:
            self._harmless.clear()
        self._harmless.add(text)
        return text

    def _searched(self, text: str) -> str:
        if self._pattern is not None and any(form in text for form in self._forms):
            text = self._pattern.sub(lambda found: self._marks[found[0]], text)
        for shape in SHAPES:
            if shape.may_be_in(text):
                text = shape.pattern.sub(lambda found, shape=shape: self._without(shape, found), text)  # type: ignore[misc]
        return text

    def masked(self, thing: Thing) -> Thing:
        """A frozen dataclass, tuple or mapping with every text in it masked; itself where none changed."""
        return cast("Thing", self._walk(thing))

    def found(self, text: str) -> Mapping[str, str]:
        """The secrets in a text → what each is; for whoever has to compare, never to be shown."""
        secrets: dict[str, str] = {}
        if self._pattern is not None and any(form in text for form in self._forms):
            secrets |= {found: self._marks[found] for found in self._pattern.findall(text)}
        for shape in SHAPES:
            if shape.may_be_in(text):
                secrets |= dict.fromkeys(shape.secrets_in(text), self._shape_marks[shape.name])
        return secrets

    def _mark(self, name: str) -> str:
        mark = f"[masked: {name}]"
        return MASK if any(form in mark for form in self._forms) else mark

    def _without(self, shape: Shape, found: re.Match[str]) -> str:
        if not shape.is_secret(found):
            return found[0]
        start, end = (at - found.start() for at in found.span(shape.group))
        return found[0][:start] + self._shape_marks[shape.name] + found[0][end:]

    def _walk(self, thing: object) -> object:
        if type(thing) is str:
            return self.mask(thing)
        if isinstance(thing, tuple | list):
            items = [self._walk(item) for item in thing]
            return thing if all(map(_same, items, thing)) else type(thing)(items)
        if isinstance(thing, Mapping):
            pairs = {self._walk(key): self._walk(value) for key, value in thing.items()}
            return thing if all(_same(pairs.get(key), value) for key, value in thing.items()) else pairs
        if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
            changed = dict(self._changes(thing))
            return dataclasses.replace(thing, **changed) if changed else thing
        return thing

    def _changes(self, thing: object) -> Iterator[tuple[str, object]]:
        for name in _fields(cast("Hashable", type(thing))):
            old = getattr(thing, name)
            new = self._walk(old)
            if new is not old and new != old:
                yield name, new


@functools.cache
def _fields(kind: Hashable) -> tuple[str, ...]:
    """What a dataclass, given by its type, is made from."""
    return tuple(field.name for field in dataclasses.fields(cast("type", kind)) if field.init)


def _same(one: object, other: object) -> bool:
    return one is other or one == other


def _forms(value: str) -> Iterable[str]:
    """The value as it may be written; its long lines, too, if it has several."""
    if len(value) < MIN_CHARACTERS:
        return
    lines = [line.strip() for line in value.splitlines()] if "\n" in value else []
    for text in (
        value,
        *(line for line in lines if len(line) >= MIN_LINE_CHARACTERS and "-----" not in line),
    ):
        yield from (form for form in _written(text) if len(form) >= MIN_CHARACTERS)


def _written(text: str) -> Iterator[str]:
    yield text
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
    yield quote(text, safe="", errors="replace")
    yield quote(text, errors="replace")
    yield quote_plus(text, errors="replace")
    yield html.escape(text)
    yield html.escape(text, quote=False)
    content = text.encode("utf-8", "replace")
    yield content.hex()
    yield content.hex().upper()
    for offset in range(3):
        yield from _base64(content, offset)


def _base64(content: bytes, offset: int) -> Iterator[str]:
    """As it stands in the base64 of a longer text, with `offset` bytes, or threes more, before it.

    The characters at both ends that hold bits of what is beside it are left off.
    """
    first = (0, 2, 3)[offset]
    whole = (offset + len(content)) * 8 // 6
    encoded = base64.b64encode(bytes(offset) + content)
    inner = encoded[first:whole].decode()
    yield inner
    yield inner.replace("+", "-").replace("/", "_")
