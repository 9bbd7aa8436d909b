"""When a command is vouched for: each of its words is one that a rule allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from anton.engine.path_scope import Scope
from anton.engine.shell_command import Kind, Word
from anton.engine.shell_scripts import CHECKS


class SafeRule(BaseModel):
    """A command that only reads, with every option that may be given; `rules/safe.toml` says what is what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    commands: tuple[str, ...]
    leading: tuple[str, ...] = ()
    subcommands: tuple[str, ...] = ()
    flags: str = ""
    valued: str = ""
    long: frozenset[str] = frozenset()
    long_valued: frozenset[str] = frozenset()
    words: dict[str, int] = Field(default_factory=dict)
    number: bool = False
    anything: bool = False
    operands: Literal["paths", "text", "none"] = "paths"
    text_start: str = ""
    most: int | None = None
    least: int = 0
    least_flags: int = 0
    program: Literal["", "pattern", "sed", "awk", "jq", "printf"] = ""
    program_flags: frozenset[str] = frozenset()
    changes_folder: bool = False
    safe: tuple[str, ...]
    not_safe: tuple[str, ...]

    def vouches(self, argv: Sequence[Word], scope: Scope) -> bool:
        """Whether the rule vouches for a command: it reads inside the scope and does nothing else."""
        if argv[0].text not in self.commands or any(word.kind is Kind.OPEN for word in argv):
            return False
        args = list(argv[1:])
        if self.anything:
            return all(word.kind is Kind.PLAIN for word in args)
        while args and args[0].text in self.leading:
            del args[0]
        if self.subcommands:
            after = self._after_subcommand(args)
            if after is None:
                return False
            args = after
        return _Reading(self, scope).of(args)

    def _after_subcommand(self, args: list[Word]) -> list[Word] | None:
        for parts in (subcommand.split() for subcommand in self.subcommands):
            if [word.text for word in args[: len(parts)]] == parts:
                return args[len(parts) :]
        return None


class _Reading:
    """One pass over the arguments of one command."""

    def __init__(self, rule: SafeRule, scope: Scope) -> None:
        self.rule = rule
        self.scope = scope
        self.count = 0
        self.options = 0
        self.wants_program = rule.program != ""
        self.operands: list[Word] = []

    def of(self, args: Sequence[Word]) -> bool:
        """Whether every word is allowed."""
        at, dashes = 0, False
        while at < len(args):
            word = args[at]
            if not dashes and word.text == "--" and not self.rule.words:
                dashes, at = True, at + 1
                continue
            if not dashes and word.text.startswith("-") and word.text != "-":
                step = self._option(word, args[at + 1 :])
                if step == 0:
                    return False
                self.options += 1
                at += step
                continue
            if word.kind is Kind.GLOB and not dashes and (not word.prefix or word.prefix.startswith("-")):
                return False
            self.operands.append(word)
            at += 1
        return self._operands_allowed()

    def _operands_allowed(self) -> bool:
        rule, operands = self.rule, self.operands
        given = len(operands) + (rule.program != "" and not self.wants_program)
        if self.options < rule.least_flags or given < rule.least:
            return False
        if self.wants_program:
            if not operands or not self._program(operands[0]):
                return False
            operands = operands[1:]
        if rule.operands == "none":
            return not operands
        if rule.most is not None and (
            len(operands) > rule.most or any(word.kind is not Kind.PLAIN for word in operands)
        ):
            return False
        if rule.operands == "text":
            return all(word.kind is Kind.PLAIN and word.text.startswith(rule.text_start) for word in operands)
        if rule.changes_folder and any(word.text == "-" for word in operands):
            return False
        return not any(self.scope.is_outside(word) for word in operands)

    def _program(self, word: Word) -> bool:
        if word.kind is not Kind.PLAIN:
            return False
        check = CHECKS.get(self.rule.program)
        return check is None or check(word.text)

    def _option(self, word: Word, after: Sequence[Word]) -> int:
        """How many words an allowed option takes; 0 for one that is not."""
        rule, text = self.rule, word.text
        if text in rule.words:
            count = rule.words[text]
            return count + 1 if len(after) >= count and self._values(after[:count]) else 0
        if text.startswith("--"):
            return self._long(word, after)
        if word.kind is not Kind.PLAIN:
            return 0
        if rule.number and text[1:].isdigit():
            return 1
        for index, letter in enumerate(text[1:], start=1):
            if letter in rule.valued or letter in rule.program_flags:
                return self._valued(letter, text[index + 1 :], after)
            if letter not in rule.flags:
                return 0
        return 1

    def _long(self, word: Word, after: Sequence[Word]) -> int:
        name, equals, value = word.text[2:].partition("=")
        if word.kind is Kind.GLOB and not (equals and word.prefix.startswith(f"--{name}=")):
            return 0
        if equals and name in self.rule.program_flags:
            return self._valued(name, value, after) if value else 0
        if equals:
            allowed = f"{name}=" in self.rule.long or name in self.rule.long_valued
            return int(allowed and not self.scope.is_outside(Word(value, word.kind)))
        if name in self.rule.long or f"{name}=" in self.rule.long:
            return 1
        if name in self.rule.long_valued or name in self.rule.program_flags:
            return self._valued(name, "", after)
        return 0

    def _valued(self, name: str, attached: str, after: Sequence[Word]) -> int:
        if not attached and not after:
            return 0
        value = Word(attached) if attached else after[0]
        if name in self.rule.program_flags:
            allowed, self.wants_program = self._program(value), False
        else:
            allowed = self._values([value])
        return (1 if attached else 2) if allowed else 0

    def _values(self, words: Sequence[Word]) -> bool:
        return all(
            word.kind is Kind.PLAIN
            and (self.rule.operands == "text" or not self.scope.is_outside(word))
            and not (word.text.startswith("-") and word.text != "-" and not word.text[1:].isdigit())
            for word in words
        )
