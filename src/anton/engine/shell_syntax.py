"""What a command line says, by bash's grammar: every simple command in it, however deep.

The grammar is tree-sitter's. A tree is only read if every node of it is of a kind listed here; anything else,
and any text whose look can deceive, is `Unparsable`. Text is data: nothing here runs or expands anything.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from anton.engine.shell_command import Kind, Parsed, Redirect, Simple, Unparsable, Word
from anton.engine.shell_word import text_of, word_of

MAX_CHARACTERS = 20_000
MAX_COMMANDS = 500
MAX_DEPTH = 80
"""Of the syntax tree; a person's command lines stay under 30."""

LANGUAGE = Language(tree_sitter_bash.language())


def _kinds(names: str) -> frozenset[str]:
    return frozenset(names.split())


_STRUCTURE = _kinds("""
    program list pipeline subshell compound_statement negated_command if_statement elif_clause else_clause
    while_statement do_group for_statement c_style_for_statement case_statement case_item function_definition
    redirected_statement comment
""")
_STATEMENTS = _kinds("""
    command test_command declaration_command unset_command variable_assignment variable_assignments
""")
_REDIRECTS = _kinds("file_redirect heredoc_redirect herestring_redirect")
_WORDS = _kinds("""
    word number string raw_string ansi_c_string translated_string concatenation simple_expansion expansion
    command_substitution process_substitution arithmetic_expansion brace_expression array subscript
    extglob_pattern regex variable_name special_variable_name
""")
_PARTS = _kinds("""
    command_name string_content file_descriptor heredoc_start heredoc_body heredoc_content heredoc_end
    test_operator unary_expression binary_expression parenthesized_expression postfix_expression
    ternary_expression
""")
NODE_TYPES = _STRUCTURE | _STATEMENTS | _REDIRECTS | _WORDS | _PARTS
"""All kinds of node that are understood."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_JOINED_LINES = re.compile(r"\S\\\n\S")


def parse(text: str) -> Parsed | Unparsable:
    """The simple commands of a command line, or why it is not read. Never raises."""
    if reason := _deceptive(text):
        return Unparsable(reason)
    root = Parser(LANGUAGE).parse(text.encode()).root_node
    if reason := not_understood(root):
        return Unparsable(reason)
    reader = _Reader()
    reader.visit(root, (), fed=False)
    if len(reader.commands) > MAX_COMMANDS:
        return Unparsable(f"it holds more than {MAX_COMMANDS} commands")
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
        if node.type == "test_command" and _redirects_inside(node):
            return "it redirects inside [ ]"
        pending += [(child, depth + 1) for child in node.children]
    return ""


def _redirects_inside(test: Node) -> bool:
    """`[ a > b ]` writes b, for `[` is a command as any other; the grammar takes it for a comparison."""
    return test.children[0].type == "[" and any(kind in ("<", ">") for kind in _types(test))


def _types(node: Node) -> Iterator[str]:
    for child in node.children:
        yield child.type
        if child.child_count and child.type in _PARTS:
            yield from _types(child)


class _Reader:
    """Walks a tree of known nodes."""

    def __init__(self) -> None:
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
                self.functions.append(text_of(node.named_children[0]))
                self._inside(node, redirects, fed=fed)
            case "compound_statement" | "c_style_for_statement" if self._is_arithmetic(node):
                self.commands.append(Simple((Word("(("), Word(text_of(node), Kind.OPEN)), (), redirects))
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
                word_of(child)
                for child in node.named_children
                if child.type == "command_name" or child.type in _WORDS
            )
        else:
            argv = tuple(word_of(child) for child in node.children)
        redirects = own + redirects
        self.commands.append(Simple(argv, assignments, redirects, fed or _feeds(redirects)))
        self._beneath(node)

    def _operands(self, node: Node) -> Iterator[Word]:
        for child in node.children:
            if child.type in _WORDS or child.type == "test_operator" or not child.is_named:
                yield word_of(child)
            else:
                yield from self._operands(child)

    def _assignment(self, node: Node) -> tuple[str, Word]:
        name, value = node.children[0], node.children[2:]
        return text_of(name), word_of(value[0]) if value else Word("")

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
        descriptor = "".join(text_of(c) for c in node.children if c.type == "file_descriptor")
        if node.type == "heredoc_redirect":
            yield Redirect("<<", descriptor, self._document(node))
            for child in node.children:
                if child.type in _REDIRECTS:
                    yield from self._redirect(child)
            return
        operator = next(text_of(c) for c in node.children if not c.is_named)
        words = [word_of(c) for c in node.children if c.type in _WORDS]
        for word in words or [Word("")]:
            yield Redirect(operator, descriptor, word)

    def _document(self, node: Node) -> Word:
        start = next((text_of(c) for c in node.children if c.type == "heredoc_start"), "")
        body = next((c for c in node.children if c.type == "heredoc_body"), None)
        if body is None:
            return Word("")
        quoted = any(mark in start for mark in "'\"\\")
        text = text_of(body)
        return Word(text, Kind.PLAIN if quoted or not re.search(r"[$`\\]", text) else Kind.OPEN)


def _feeds(redirects: tuple[Redirect, ...]) -> bool:
    return any(redirect.operator.startswith("<") for redirect in redirects)
