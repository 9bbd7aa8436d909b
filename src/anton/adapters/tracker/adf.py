"""Atlassian Document Format: read as Markdown-like text, and written for comments.

Every kind of node in the schema is read; a kind that is not known here is read as the text that it holds, so
that nothing somebody wrote is lost with a new version of the format.

Source: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/ and the schema it names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from anton.core.text import visible

MAX_DEPTH = 40
"""Of nodes within each other; what lies deeper is named as left out."""
MAX_CHARACTERS = 200_000
"""Of the text that is read from one document."""

Node = Mapping[str, object]


def read_adf(document: object) -> str:
    """The text of a document, a part of one, or of what stands in its place: plain text, or nothing."""
    if isinstance(document, str):
        return document[:MAX_CHARACTERS]
    return _block(document, 0).strip("\n")[:MAX_CHARACTERS] if isinstance(document, Mapping) else ""


def doc(*blocks: Node) -> Node:
    """A document."""
    return {"type": "doc", "version": 1, "content": list(blocks)}


def paragraph(*inlines: Node) -> Node:
    """A paragraph; empty texts are left out, as Jira refuses them."""
    return {"type": "paragraph", "content": [node for node in inlines if node.get("text") != ""]}


def text(words: str) -> Node:
    """Words, without characters that nobody can see."""
    return {"type": "text", "text": visible(words)[0]}


def code(words: str) -> Node:
    """Words in a fixed-width font."""
    return {**text(words), "marks": [{"type": "code"}]}


def link(words: str, address: str) -> Node:
    """Words that lead to an address of the web."""
    return {**text(words), "marks": [{"type": "link", "attrs": {"href": address}}]}


def code_block(words: str) -> Node:
    """Lines as they are."""
    content = [text(words)] if visible(words)[0] else []
    return {"type": "codeBlock", "content": content}


def bullets(*items: Sequence[Node]) -> Node:
    """A list, each item of it a paragraph of such inline nodes."""
    content = [{"type": "listItem", "content": [paragraph(*item)]} for item in items]
    return {"type": "bulletList", "content": content}


def _block(node: object, depth: int) -> str:
    if not isinstance(node, Mapping):
        return ""
    if depth > MAX_DEPTH:
        return "[nested too deeply]"
    kind = node.get("type")
    if isinstance(kind, str) and kind in _INLINE:
        return _inline(node)
    reader = _BLOCK.get(kind) if isinstance(kind, str) else None
    return reader(node, depth) if reader else _unknown(node, depth)


def _children(node: Node) -> list[Node]:
    content = node.get("content")
    return [child for child in content if isinstance(child, Mapping)] if isinstance(content, list) else []


def _attribute(node: Node, *names: str) -> str:
    """The first of these attributes that says something."""
    attributes = node.get("attrs")
    if isinstance(attributes, Mapping):
        for name in names:
            value = attributes.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
                return str(value)
    return ""


def _blocks(node: Node, depth: int) -> str:
    """Children one after the other, inline ones in one paragraph, others apart by an empty line."""
    parts: list[str] = []
    running = ""
    for child in _children(node):
        if child.get("type") in _INLINE:
            running += _inline(child)
            continue
        parts += [running, _block(child, depth + 1)]
        running = ""
    return "\n\n".join(part for part in (*parts, running) if part.strip())


def _inlines(node: Node, depth: int) -> str:
    return "".join(_block(child, depth + 1) for child in _children(node))


def _heading(node: Node, depth: int) -> str:
    level = _attribute(node, "level")
    return f"{'#' * (int(level) if level in tuple('123456') else 1)} {_inlines(node, depth)}"


def _code_block(node: Node, depth: int) -> str:
    words = _inlines(node, depth)
    fence = "```"
    while fence in words:
        fence += "`"
    return f"{fence}{_attribute(node, 'language')}\n{words}\n{fence}"


def _quote(node: Node, depth: int) -> str:
    kind = _attribute(node, "panelType")
    words = _blocks(node, depth)
    return "\n".join(f"> {line}".rstrip() for line in (f"{kind}: {words}" if kind else words).split("\n"))


def _items(marker: Callable[[int, Node], str]) -> Callable[[Node, int], str]:
    """A reader of lists whose items begin with a marker, by their place and themselves."""

    def read(node: Node, depth: int) -> str:
        lines = []
        for place, item in enumerate(_children(node)):
            if str(item.get("type")) in _LISTS:
                lines.append(_indented(_block(item, depth + 1), "  "))
                continue
            sign = marker(place, node if item.get("type") == "listItem" else item)
            words = _blocks(item, depth + 1).replace("\n\n", "\n") or _own_words(item)
            lines.append(sign + _indented(words, " " * len(sign)).lstrip(" "))
        return "\n".join(lines)

    return read


def _indented(words: str, by: str) -> str:
    return "\n".join(f"{by}{line}" if line else line for line in words.split("\n"))


def _number(place: int, listed: Node) -> str:
    first = _attribute(listed, "order")
    return f"{(int(first) if first.isdecimal() and len(first) < 9 else 1) + place}. "


def _task(_: int, item: Node) -> str:
    return "- [x] " if _attribute(item, "state") == "DONE" else "- [ ] "


def _decision(_: int, item: Node) -> str:
    return "- decided: " if _attribute(item, "state") == "DECIDED" else "- "


def _table(node: Node, depth: int) -> str:
    rows = [
        " | ".join(" ".join(_blocks(cell, depth + 2).split()) for cell in _children(row))
        for row in _children(node)
    ]
    return "\n".join(f"| {row} |" for row in rows)


def _folded(node: Node, depth: int) -> str:
    return "\n\n".join(part for part in (_attribute(node, "title"), _blocks(node, depth)) if part)


def _file(node: Node, _depth: int = 0) -> str:
    name = _attribute(node, "alt", "__fileName", "url", "id")
    return f"[file {name}]" if name else "[file]"


def _card(node: Node, _depth: int = 0) -> str:
    attributes = node.get("attrs")
    inner = attributes.get("data") if isinstance(attributes, Mapping) else None
    known = {"attrs": inner} if isinstance(inner, Mapping) else {}
    return _attribute(node, "url") or _attribute(known, "url", "name") or "[link]"


def _extension(node: Node, depth: int = 0) -> str:
    inner = _blocks(node, depth)
    name = _attribute(node, "text") or f"[{_attribute(node, 'extensionKey', 'resourceId') or 'extension'}]"
    return inner or name


def _rule(_node: Node, _depth: int) -> str:
    return "---"


def _unknown(node: Node, depth: int) -> str:
    """Whatever text it holds: its own, an attribute's that is text for people, its children's."""
    return "\n\n".join(part for part in (_own_words(node), _blocks(node, depth)) if part)


def _own_words(node: Node) -> str:
    own = node.get("text")
    return own if isinstance(own, str) else _attribute(node, "text", "title", "alt", "url", "shortName")


def _inline(node: Node) -> str:
    reader = _INLINE.get(str(node.get("type")))
    return reader(node) if reader else ""


def _text(node: Node) -> str:
    words = node.get("text")
    if not isinstance(words, str):
        return ""
    marks = node.get("marks")
    for mark in marks if isinstance(marks, list) else ():
        if isinstance(mark, Mapping):
            words = _marked(words, mark)
    return words


def _marked(words: str, mark: Node) -> str:
    match mark.get("type"):
        case "link":
            address = _attribute(mark, "href")
            return words if address in ("", words) else f"[{words}]({address})"
        case str(kind) if kind in _SIGNS and words.strip():
            return f"{_SIGNS[kind]}{words}{_SIGNS[kind]}"
        case _:
            return words


def _date(node: Node) -> str:
    stamp = _attribute(node, "timestamp")
    try:
        return datetime.fromtimestamp(int(stamp) / 1000, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return stamp


def _mention(node: Node) -> str:
    return _attribute(node, "text") or f"@{_attribute(node, 'id') or 'somebody'}"


def _status(node: Node) -> str:
    return f"[{_attribute(node, 'text')}]"


_SIGNS: Mapping[str, str] = MappingProxyType({"code": "`", "strong": "**", "em": "*", "strike": "~~"})
"""Marks that are shown; colour, alignment and the like say nothing that a ticket needs."""

_INLINE: Mapping[str, Callable[[Node], str]] = MappingProxyType(
    {
        "text": _text,
        "hardBreak": lambda _: "\n",
        "mention": _mention,
        "emoji": lambda node: _attribute(node, "text", "shortName"),
        "date": _date,
        "status": _status,
        "placeholder": lambda node: _attribute(node, "text"),
        "inlineCard": _card,
        "mediaInline": _file,
        "inlineExtension": lambda node: _attribute(node, "text") or f"[{_attribute(node, 'extensionKey')}]",
    }
)
_LISTS = frozenset({"bulletList", "orderedList", "taskList", "decisionList"})
_BLOCK: Mapping[str, Callable[[Node, int], str]] = MappingProxyType(
    {
        **dict.fromkeys(("doc", "listItem", "tableCell", "tableHeader", "tableRow", "caption"), _blocks),
        **dict.fromkeys(("mediaSingle", "mediaGroup", "layoutSection", "layoutColumn"), _blocks),
        **dict.fromkeys(("taskItem", "blockTaskItem", "decisionItem"), _blocks),
        "paragraph": _inlines,
        "heading": _heading,
        "codeBlock": _code_block,
        "blockquote": _quote,
        "panel": _quote,
        "bulletList": _items(lambda _place, _item: "- "),
        "orderedList": _items(_number),
        "taskList": _items(_task),
        "decisionList": _items(_decision),
        "table": _table,
        "rule": _rule,
        "expand": _folded,
        "nestedExpand": _folded,
        "media": _file,
        "blockCard": _card,
        "embedCard": _card,
        "extension": _extension,
        "bodiedExtension": _extension,
        "syncBlock": _extension,
        "bodiedSyncBlock": _extension,
    }
)
