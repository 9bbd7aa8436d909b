"""One word of a command line: its quotes resolved, its expansions seen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from anton.engine.shell_command import Kind, Word

_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|(.))", re.DOTALL
)
_ESCAPED = dict(zip("abeEfnrtv\\'\"?", "\a\b\033\033\f\n\r\t\v\\'\"?", strict=True))
_LITERAL = frozenset(
    ["word", "number", "variable_name", "special_variable_name", "extglob_pattern", "regex", "test_operator"]
)


def text_of(node: Node) -> str:
    """A node as it was written."""
    return (node.text or b"").decode()


def word_of(node: Node) -> Word:
    """The word that a node is."""
    bare = text = ""
    kind = Kind.PLAIN
    for piece, is_bare, is_open in _pieces(node):
        text += piece
        bare += piece if is_bare else "\0" * len(piece)
        kind = Kind.OPEN if is_open else kind
    if kind is Kind.OPEN or ("{" in bare and ("," in text or ".." in text)):
        return Word(text, Kind.OPEN)
    glob = re.search(r"[*?]|\[(?=.)", bare) if text != "[[" else None
    return Word(text, Kind.GLOB, text[: glob.start()]) if glob else Word(text)


def _pieces(node: Node) -> Iterator[tuple[str, bool, bool]]:
    """Text, whether it is unquoted, whether it is an expansion as written."""
    source = text_of(node)
    match node.type:
        case "raw_string":
            yield source[1:-1], False, False
        case "string" if source.startswith('"'):
            yield from _quoted(node)
        case "ansi_c_string":
            yield _unescaped(source[2:-1]), False, False
        case "concatenation" | "command_name":
            for child in node.children:
                yield from _pieces(child)
        case _ if node.type in _LITERAL or not node.is_named:
            for escaped, plain in re.findall(r"\\(.?)|([^\\]+)", source, re.DOTALL):
                yield (plain, True, False) if plain else (escaped.replace("\n", ""), False, False)
        case _:
            yield source, False, True


def _quoted(node: Node) -> Iterator[tuple[str, bool, bool]]:
    source, start, at = node.text or b"", node.start_byte, 1
    for child in node.named_children:
        if child.type == "string_content":
            continue
        yield _unquoted(source[at : child.start_byte - start]), False, False
        yield text_of(child), False, True
        at = child.end_byte - start
    yield _unquoted(source[at:-1]), False, False


def _unquoted(text: bytes) -> str:
    return re.sub(r'\\([$`"\\\n])', lambda m: m[1].replace("\n", ""), text.decode())


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        hexadecimal, octal, short, long, letter = match.groups()
        if letter is not None:
            return _ESCAPED.get(letter, "\\" + letter)
        number = int(octal, 8) & 0xFF if octal else int(hexadecimal or short or long, 16)
        return chr(number) if 0 < number < 0xD800 else "\N{REPLACEMENT CHARACTER}"

    return _ESCAPE.sub(one, text)
