"""Text that came from outside, made harmless for the place where it is shown.

Tickets, model prose, paths and test names pass one of these functions on their way out, without exception.

    ============  ===================================================================================
    function      what comes of the text
    ============  ===================================================================================
    `line`        one plain line, for logs and for whatever encodes it again
    `gist`        the same, its first sentences only
    `spans`       pieces of plain text, each with whether it was written as code
    `paragraphs`  plain text, line ends kept
    `styled`      Rich text for a terminal; markup in it stays literal
    `subject`     a pull request's title or a commit's subject, where code spans protect nothing
    `prose`       Markdown paragraphs, lists, code spans and fences; no link, image, HTML or mention
    `code`        a Markdown code span, fit for table cells
    `fence`       a Markdown code block
    `revealed`    text in which what cannot be seen is named instead of removed, for diffs
    ============  ===================================================================================

GitHub looks for mentions, issue numbers and addresses in rendered text, so a backslash does not stop them; it
leaves code alone. A word that could become active is therefore shown as code.
Source: https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from rich.text import Text

from anton.core.text import visible
from anton.views.palette import STRONG

PROSE_CHARACTERS = 4_000
"""Of one model text in a document; the rest is cut with a notice."""

_UNCOMMON = re.compile(r"[^\x20-\x7e\n\t]")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^\sa-z])")
"""Between two sentences."""
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def cut(text: str, limit: int) -> str:
    """At most `limit` characters of a text, followed by a notice where something is missing."""
    if len(text) <= limit:
        return text
    return f"{text[:limit].rstrip()} … [cut: {len(text) - limit:,} more characters]"


def paragraphs(text: str, limit: int = PROSE_CHARACTERS) -> str:
    """The text without anything that cannot be seen; line ends and tabs are kept."""
    cleaned, _ = visible(text)
    cleaned = _UNCOMMON.sub(lambda found: "" if _is_unseen(found[0]) else found[0], cleaned)
    return cut(cleaned.strip(), limit)


def line(text: str, limit: int = 300) -> str:
    """The text as one line without anything that cannot be seen."""
    return " ".join(paragraphs(text, limit).split())


def gist(text: str, limit: int) -> str:
    """As many of its first sentences as fit, in one line; `…` says that something is left out."""
    whole = line(text, PROSE_CHARACTERS)
    if len(whole) <= limit:
        return whole
    ends = [found.start() for found in _SENTENCE.finditer(whole) if found.start() <= limit - 2]
    kept = whole[: ends[-1]] if ends else whole[: limit - 2].rpartition(" ")[0] or whole[: limit - 2]
    return f"{kept} …"


def spans(text: str) -> Iterator[tuple[str, bool]]:
    """Pieces of a text, each with whether it is a code span, which comes without its ticks."""
    position = 0
    for span in _SPAN.finditer(text):
        yield text[position : span.start()], False
        yield span[2].strip() or "`", True
        position = span.end()
    yield text[position:], False


def styled_spans(text: str, style: str = "", limit: int = PROSE_CHARACTERS) -> Text:
    """Like `styled`, with code spans in another style in place of their ticks."""
    pieces = spans(paragraphs(text, limit))
    return Text.assemble(*((piece, STRONG if is_code else style) for piece, is_code in pieces))


def styled(text: str, style: str = "", limit: int = PROSE_CHARACTERS) -> Text:
    """The text for a terminal: no escape sequence reaches it, and Rich markup stays literal."""
    return Text(paragraphs(text, limit), style)


def revealed(text: str) -> str:
    """The whole text with each character that cannot be seen named, as in `⟨U+202E⟩`."""
    return _UNCOMMON.sub(lambda found: _name(found[0]) if _is_unseen(found[0]) else found[0], text)


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN


def _name(character: str) -> str:
    return f"⟨U+{ord(character):04X}⟩"


def subject(text: str, limit: int = 120) -> str:
    """One line for a title or a commit's subject, in which nothing mentions, links or closes anything."""
    inert = line(text, limit).replace("@", "＠").replace("://", ":⁄⁄")
    inert = re.sub(r"#(?=\d)", "＃", inert)
    inert = re.sub(r"(?i)\b(www)\.", r"\1․", inert)
    return re.sub(r"(?i)\bGH-(?=\d)", "GH‑", inert)


def code(text: str, limit: int = 300) -> str:
    """A Markdown code span; a pipe is shown as `¦`, so that a table cell cannot be left."""
    content = line(text, limit).replace("|", "¦") or " "
    ticks = "`" * (_longest_run(content) + 1)
    pad = " " if content.startswith("`") or content.endswith("`") else ""
    return f"{ticks}{pad}{content}{pad}{ticks}"


def fence(text: str, language: str = "") -> str:
    """A Markdown code block that nothing inside can end; what cannot be seen is named."""
    content = revealed(text).rstrip("\n")
    ticks = "`" * max(3, _longest_run(content) + 1)
    return f"{ticks}{language}\n{content}\n{ticks}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def prose(text: str, limit: int = PROSE_CHARACTERS) -> str:
    """Markdown of outside prose: paragraphs, lists and code survive, everything else is literal text."""
    return "\n".join(_blocks(paragraphs(text, limit).splitlines())).strip("\n")


def quoted(text: str, limit: int = PROSE_CHARACTERS) -> str:
    """Outside prose as a Markdown block quote."""
    return "\n".join(f"> {row}".rstrip() for row in prose(text, limit).splitlines())


def inline(text: str, limit: int = 300) -> str:
    """Outside text as one line of Markdown, to stand inside a sentence, a heading or a list item."""
    return _inline(line(text, limit))


_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_BULLET = re.compile(r"\s*[-*+•]\s+(?=\S)")
_NUMBER = re.compile(r"\s*(\d{1,3})[.)]\s+(?=\S)")


def _blocks(rows: list[str]) -> Iterator[str]:
    block: list[str] | None = None
    for row in rows:
        if opened := _FENCE.match(row):
            if block is None:
                block = []
            elif not row[opened.end() :].strip():
                yield fence("\n".join(block))
                block = None
        elif block is not None:
            block.append(row)
        else:
            yield _row(row)
    if block is not None:
        yield fence("\n".join(block))


def _row(row: str) -> str:
    if bullet := _BULLET.match(row):
        return f"- {_inline(row[bullet.end() :].strip())}"
    if number := _NUMBER.match(row):
        return f"{number[1]}. {_inline(row[number.end() :].strip())}"
    return _inline(row.strip())


_ACTIVE = re.compile(r"(?i)[@#]|://|www\.|gh-\d|(?:mailto|xmpp):")
_SPECIAL = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")
_LEADING = re.compile(r"[-+=>:]|\d+(?=[.)])")


def _inline(text: str) -> str:
    """One line of Markdown; pieces of code never touch, or their ticks would run together."""
    out = ""
    for piece in _pieces(text):
        out += f" {piece}" if out.endswith("`") and piece.startswith("`") else piece
    return _LEADING.sub(lambda found: _escape_leading(found[0]), out, count=1) if _LEADING.match(out) else out


def _escape_leading(start: str) -> str:
    """A backslash before a mark; a number gets it before its dot, which the caller's text still has."""
    return f"{start}\\" if start.isdigit() else f"\\{start}"


def _pieces(text: str) -> Iterator[str]:
    position = 0
    for span in _SPAN.finditer(text):
        yield from _words(text[position : span.start()])
        yield code(span[2].strip() or "`")
        position = span.end()
    yield from _words(text[position:])


def _words(text: str) -> Iterator[str]:
    for word in re.findall(r"\s+|\S+", text):
        if not _ACTIVE.search(word):
            yield _literal(word)
            continue
        core = word.lstrip("(").rstrip(".,;!?)")
        before, _, after = word.partition(core)
        yield from (before, code(core), after)


def _literal(word: str) -> str:
    escaped = word.replace("&", "&amp;").replace("<", "&lt;")
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", escaped)
