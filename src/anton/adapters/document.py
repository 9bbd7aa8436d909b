"""Markdown files with front matter, as the embedded adapters keep them and as a person reads and writes them.

    ---
    title: To-dos come back
    labels: [bug, mobile]
    ---

    Text.

Front matter is the part of YAML that needs no parser of YAML: one `key: value` a line, where a value is plain
text, a JSON string, or a flat list of these.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anton.core.text import one_line
from anton.system.files import replace_file
from anton.system.locks import wait_for_lock

MAX_BYTES = 4_000_000
"""Of a file that is read; a page of prose is about 3 kB."""

Value = str | tuple[str, ...]

_FIELD = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*):(?: +(.*))?")
_PLAIN = re.compile(r"[A-Za-z0-9/][A-Za-z0-9 ._/@+-]*")
_ITEM = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,"]*)\s*(?:,|$)')


class Malformed(ValueError):
    """The file is not such a document; the text says what is wrong and where."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file: its fields in order, and its text."""

    fields: Mapping[str, Value]
    body: str

    def text(self, name: str, default: str = "") -> str:
        """A field as one text."""
        value = self.fields.get(name, default)
        return value if isinstance(value, str) else ", ".join(value)

    def items(self, name: str) -> tuple[str, ...]:
        """A field as a list; a plain text is split at its commas."""
        value = self.fields.get(name, ())
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    def render(self) -> str:
        """The file's content; `parse` reads it back."""
        lines = [f"{name}: {_written(value)}".rstrip() for name, value in self.fields.items()]
        return "\n".join(["---", *lines, "---", "", self.body.strip(), ""])


def parse(text: str) -> Document:
    """The document that a text is; one without front matter is all body.

    Raises:
        Malformed: the front matter is not closed, or a line of it is not `key: value`.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    first, *rest = text.split("\n")
    if first.rstrip() != "---":
        return Document({}, text.strip())
    fields: dict[str, Value] = {}
    for number, line in enumerate(rest, 2):
        if line.rstrip() == "---":
            return Document(fields, "\n".join(rest[number - 1 :]).strip())
        if not line.strip() or line.startswith("#"):
            continue
        found = _FIELD.fullmatch(line.rstrip())
        if found is None:
            raise Malformed(f"line {number} is {line[:80]!r}, not 'key: value'")
        fields[found[1]] = _read(found[2] or "", number)
    raise Malformed("its front matter begins with '---' and no second '---' ends it")


def read(path: Path) -> Document:
    """The document in a file.

    Raises:
        FileNotFoundError: there is none.
        Malformed: it is not such a document, not UTF-8 text, larger than MAX_BYTES, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise Malformed(f"it is larger than {MAX_BYTES:,} bytes")
        return parse(content.decode("utf-8"))
    except FileNotFoundError:
        raise
    except UnicodeDecodeError as error:
        raise Malformed(f"it is not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise Malformed(f"it cannot be read: {error.strerror}") from error


def write(path: Path, document: Document) -> None:
    """Put a document in place whole: whoever reads the file sees the old one or the new one.

    Raises:
        OSError: it cannot be written; the old one is still there.
    """
    replace_file(path, document.render().encode("utf-8", "replace"))


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Be in a folder while no other process or thread that asks for the same is; made where there is none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        wait_for_lock(descriptor)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written(value: Value) -> str:
    if isinstance(value, str):
        value = one_line(value)
        return value if not value or _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
    return f"[{', '.join(_written(item) for item in value)}]"


def _read(value: str, line: int) -> Value:
    if value.startswith("[") and value.endswith("]"):
        return tuple(filter(None, (_unquoted(item, line) for item in _items(value[1:-1]))))
    return _unquoted(value, line)


def _items(inner: str) -> Sequence[str]:
    return _ITEM.findall(inner)


def _unquoted(value: str, line: int) -> str:
    value = value.strip()
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except json.JSONDecodeError as error:
        raise Malformed(f"line {line} holds {value[:80]!r}, a text whose quotes do not match") from error
