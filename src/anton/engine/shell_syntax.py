"""What a command line says, by bash's grammar: every simple command in it, however deep.

The grammar is tree-sitter's. A tree is only read if every node of it is of a kind listed here; anything else,
and any text whose look can deceive, is `Unparsable`. Text is data: nothing here runs or expands anything.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

MAX_CHARACTERS = 20_000
MAX_DEPTH = 80
"""Of the syntax tree; a person's command lines stay under 30."""

LANGUAGE = Language(tree_sitter_bash.language())

_STRUCTURE = frozenset(
    [
        "program",
        "list",
        "pipeline",
        "subshell",
        "compound_statement",
        "negated_command",
        "if_statement",
        "elif_clause",
        "else_clause",
        "while_statement",
        "do_group",
        "for_statement",
        "c_style_for_statement",
        "case_statement",
        "case_item",
        "function_definition",
        "redirected_statement",
        "comment",
    ]
)
_STATEMENTS = frozenset(
    [
        "command",
        "test_command",
        "declaration_command",
        "unset_command",
        "variable_assignment",
        "variable_assignments",
    ]
)
_REDIRECTS = frozenset(["file_redirect", "heredoc_redirect", "herestring_redirect"])
_WORDS = frozenset(
    [
        "word",
        "number",
        "string",
        "raw_string",
        "ansi_c_string",
        "translated_string",
        "concatenation",
        "simple_expansion",
        "expansion",
        "command_substitution",
        "process_substitution",
        "arithmetic_expansion",
        "brace_expression",
        "array",
        "subscript",
        "extglob_pattern",
        "regex",
        "variable_name",
        "special_variable_name",
    ]
)
_PARTS = frozenset(
    [
        "command_name",
        "string_content",
        "file_descriptor",
        "heredoc_start",
        "heredoc_body",
        "heredoc_content",
        "heredoc_end",
        "test_operator",
        "unary_expression",
        "binary_expression",
        "parenthesized_expression",
        "postfix_expression",
        "ternary_expression",
    ]
)
NODE_TYPES = _STRUCTURE | _STATEMENTS | _REDIRECTS | _WORDS | _PARTS
"""All kinds of node that are understood."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_JOINED_LINES = re.compile(r"\S\\\n\S")
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|(.))", re.DOTALL
)
_ESCAPED = dict(zip("abeEfnrtv\\'\"?", "\a\b\033\033\f\n\r\t\v\\'\"?", strict=True))


class Kind(Enum):
    """How much of a word is known before it is expanded."""

    PLAIN = "plain"
    """Exactly its text."""
    GLOB = "glob"
    """Names of files that match it, each with its `prefix`; or its text where none does."""
    OPEN = "open"
    """Whatever an expansion brings, perhaps several words, perhaps none."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command, with its quotes resolved."""

    text: str
    """Expansions stand in it as they were written."""
    kind: Kind = Kind.PLAIN
    prefix: str = ""
    """What each file name begins with; of a GLOB only."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """One redirection."""

    operator: str
    descriptor: str
    """As written; empty for the operator's own."""
    target: Word
    """A file, a descriptor, or what a here-document or here-string feeds in."""


@dataclass(frozen=True, slots=True)
class Simple:
    """A simple command; one without words only assigns or redirects."""

    argv: tuple[Word, ...]
    assignments: tuple[tuple[str, Word], ...] = ()
    redirects: tuple[Redirect, ...] = ()
    fed: bool = False
    """It reads a pipe, a file, a here-document or a here-string."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Every simple command of a text, in the order of the text."""

    commands: tuple[Simple, ...]
    functions: tuple[str, ...] = ()
    """Names that the text defines anew."""


@dataclass(frozen=True, slots=True)
class Unparsable:
    """The text is not read, so nothing good can be said of it."""

    reason: str


def parse(text: str) -> Parsed | Unparsable:
    """The simple commands of a command line, or why it is not read. Never raises."""
    if reason := _deceptive(text):
        return Unparsable(reason)
    source = text.encode()
    root = Parser(LANGUAGE).parse(source).root_node
    if reason := not_understood(root):
        return Unparsable(reason)
    reader = _Reader(source)
    reader.visit(root, (), fed=False)
    return Parsed(tuple(reader.commands), tuple(reader.functions))


def _deceptive(text: str) -> str:
    if len(text) > MAX_CHARACTERS:
        return f"it is longer than {MAX_CHARACTERS} characters"
    for character in text:
        if character not in " \t\n" and unicodedata.category(character) in _HIDDEN:
            return f"it holds the character U+{ord(character):04X}, which does not show as what it is"
    if _JOINED_LINES.search(text):
        return "a word of it goes on after a line break"
    return ""


def not_understood(root: Node, known: frozenset[str] = NODE_TYPES) -> str:
    """Why a tree is not read; empty where it is."""
    pending = [(root, 0)]
    while pending:
        node, depth = pending.pop()
        if node.is_error or node.is_missing:
            return "it is not valid shell syntax, as far as can be told"
        if node.is_named and node.type not in known:
            return f"it holds a {node.type.replace('_', ' ')}, which is not read"
        if depth > MAX_DEPTH:
            return "it is nested too deep"
        if node.type == "heredoc_redirect" and any(
            child.type in _WORDS for child in node.children if child.type != "heredoc_start"
        ):
            return "words of a command follow its here-document"
        pending += [(child, depth + 1) for child in node.children]
    return ""


class _Reader:
    """Walks a tree of known nodes."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.commands: list[Simple] = []
        self.functions: list[str] = []

    def visit(self, node: Node, redirects: tuple[Redirect, ...], *, fed: bool) -> None:
        """Collect the commands beneath a node, which `redirects` apply to."""
        match node.type:
            case "command" | "test_command" | "declaration_command" | "unset_command":
                self._statement(node, redirects, fed=fed)
            case "variable_assignment":
                self.commands.append(Simple((), (self._assignment(node),), redirects, fed))
                self._beneath(node)
            case "redirected_statement":
                self._redirected(node, redirects, fed=fed)
            case "pipeline" | "list":
                self._sequence(node, redirects, fed=fed)
            case "function_definition":
                self.functions.append(self._text(node.named_children[0]))
                self._inside(node, redirects, fed=fed)
            case "compound_statement" | "c_style_for_statement" if self._is_arithmetic(node):
                self.commands.append(Simple((Word("(("), Word(self._text(node), Kind.OPEN)), (), redirects))
                self._inside(node, (), fed=fed)
            case "compound_statement" | "subshell" if redirects:
                self.commands.append(Simple((), (), redirects))
                self._inside(node, (), fed=fed or _feeds(redirects))
            case _:
                self._inside(node, redirects, fed=fed)

    def _inside(self, node: Node, redirects: tuple[Redirect, ...], *, fed: bool) -> None:
        for child in node.named_children:
            self.visit(child, redirects, fed=fed)

    def _beneath(self, node: Node) -> None:
        """What substitutions inside words run."""
        for child in node.named_children:
            if child.type in ("command_substitution", "process_substitution"):
                self._inside(child, (), fed=False)
            else:
                self._beneath(child)

    def _is_arithmetic(self, node: Node) -> bool:
        return node.type == "c_style_for_statement" or node.children[0].type == "(("

    def _statement(self, node: Node, redirects: tuple[Redirect, ...], *, fed: bool) -> None:
        own = tuple(r for child in node.children if child.type in _REDIRECTS for r in self._redirect(child))
        assignments = tuple(
            self._assignment(child) for child in node.children if child.type == "variable_assignment"
        )
        if node.type == "test_command":
            argv = tuple(self._operands(node))
        elif node.type == "command":
            argv = tuple(
                self._word(child)
                for child in node.named_children
                if child.type == "command_name" or child.type in _WORDS
            )
        else:
            argv = tuple(self._word(child) for child in node.children)
        redirects = own + redirects
        self.commands.append(Simple(argv, assignments, redirects, fed or _feeds(redirects)))
        self._beneath(node)

    def _operands(self, node: Node) -> Iterator[Word]:
        for child in node.children:
            if child.type in _WORDS or child.type == "test_operator" or not child.is_named:
                yield self._word(child)
            else:
                yield from self._operands(child)

    def _assignment(self, node: Node) -> tuple[str, Word]:
        name, value = node.children[0], node.children[2:]
        return self._text(name), self._word(value[0]) if value else Word("")

    def _redirected(self, node: Node, redirects: tuple[Redirect, ...], *, fed: bool) -> None:
        own = tuple(r for child in node.children if child.type in _REDIRECTS for r in self._redirect(child))
        bodies = [child for child in node.named_children if child.type not in _REDIRECTS]
        if not bodies:
            self.commands.append(Simple((), (), own + redirects))
        for body in bodies:
            self.visit(body, own + redirects, fed=fed)
        for child in node.children:
            if child.type in _REDIRECTS:
                self._after_redirect(child)

    def _after_redirect(self, node: Node) -> None:
        """What stands behind a here-document's start on its line, and what its text substitutes."""
        for child in node.named_children:
            if child.type == "pipeline":
                self._inside(child, (), fed=True)
            elif child.type not in _REDIRECTS:
                self.visit(child, (), fed=False)
            else:
                self._after_redirect(child)

    def _sequence(self, node: Node, redirects: tuple[Redirect, ...], *, fed: bool) -> None:
        """The grammar hangs redirections on a whole sequence; bash, on its last command."""
        last = len(node.named_children) - 1
        for index, child in enumerate(node.named_children):
            piped = node.type == "pipeline" and index > 0
            self.visit(child, redirects if index == last else (), fed=fed or piped)

    def _redirect(self, node: Node) -> Iterator[Redirect]:
        descriptor = "".join(self._text(c) for c in node.children if c.type == "file_descriptor")
        if node.type == "heredoc_redirect":
            yield Redirect("<<", descriptor, self._document(node))
            for child in node.children:
                if child.type in _REDIRECTS:
                    yield from self._redirect(child)
            return
        operator = next(self._text(c) for c in node.children if not c.is_named)
        words = [self._word(c) for c in node.children if c.type in _WORDS]
        for word in words or [Word("")]:
            yield Redirect(operator, descriptor, word)

    def _document(self, node: Node) -> Word:
        start = next((self._text(c) for c in node.children if c.type == "heredoc_start"), "")
        body = next((c for c in node.children if c.type == "heredoc_body"), None)
        if body is None:
            return Word("")
        quoted = any(mark in start for mark in "'\"\\")
        text = self._text(body)
        return Word(text, Kind.PLAIN if quoted or not re.search(r"[$`\\]", text) else Kind.OPEN)

    def _text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode()

    def _word(self, node: Node) -> Word:
        bare = text = ""
        kind = Kind.PLAIN
        for piece, is_bare, is_open in self._pieces(node):
            text += piece
            bare += piece if is_bare else "\0" * len(piece)
            kind = Kind.OPEN if is_open else kind
        if kind is Kind.OPEN or ("{" in bare and ("," in text or ".." in text)):
            return Word(text, Kind.OPEN)
        glob = re.search(r"[*?]|\[(?=.)", bare) if text != "[[" else None
        return Word(text, Kind.GLOB, text[: glob.start()]) if glob else Word(text)

    def _pieces(self, node: Node) -> Iterator[tuple[str, bool, bool]]:
        """Text, whether it is unquoted, whether it is an expansion as written."""
        source = self._text(node)
        match node.type:
            case "raw_string":
                yield source[1:-1], False, False
            case "string" if source.startswith('"'):
                yield from self._quoted(node)
            case "ansi_c_string":
                yield _unescaped(source[2:-1]), False, False
            case "concatenation" | "command_name":
                for child in node.children:
                    yield from self._pieces(child)
            case _ if node.type in _WORDS and node.type not in _LEAVES:
                yield source, False, True
            case _:
                for escaped, plain in re.findall(r"\\(.?)|([^\\]+)", source, re.DOTALL):
                    yield (plain, True, False) if plain else (escaped.replace("\n", ""), False, False)

    def _quoted(self, node: Node) -> Iterator[tuple[str, bool, bool]]:
        at = node.start_byte + 1
        for child in node.named_children:
            if child.type == "string_content":
                continue
            yield self._unquoted(at, child.start_byte), False, False
            yield self._text(child), False, True
            at = child.end_byte
        yield self._unquoted(at, node.end_byte - 1), False, False

    def _unquoted(self, start: int, end: int) -> str:
        text = self.source[start:end].decode()
        return re.sub(r'\\([$`"\\\n])', lambda m: m[1].replace("\n", ""), text)


_LEAVES = frozenset(["word", "number", "variable_name", "special_variable_name", "extglob_pattern", "regex"])


def _feeds(redirects: tuple[Redirect, ...]) -> bool:
    return any(redirect.operator.startswith("<") for redirect in redirects)


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        hexadecimal, octal, short, long, letter = match.groups()
        if letter is not None:
            return _ESCAPED.get(letter, "\\" + letter)
        number = int(octal, 8) & 0xFF if octal else int(hexadecimal or short or long, 16)
        return chr(number) if 0 < number < 0xD800 else "\N{REPLACEMENT CHARACTER}"

    return _ESCAPE.sub(one, text)
