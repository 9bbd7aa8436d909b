"""The rules about commands: data in `rules/*.toml`, and how one of them is held against one command."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from importlib import resources
from itertools import takewhile

from pydantic import BaseModel, ConfigDict, ValidationError

from anton.core.errors import UsageError
from anton.engine.path_scope import candidates
from anton.engine.safe_rules import SafeRule
from anton.engine.shell_command import Kind, Word

_WILDCARDS = frozenset("*?[")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def may_be_anything(word: Word) -> bool:
    """Whether an expansion stands where a word's meaning is decided, at its beginning."""
    return word.kind is Kind.OPEN or (word.kind is Kind.GLOB and not word.prefix)


def is_option(word: Word) -> bool:
    """Whether a word reads as an option."""
    return word.text.startswith("-") and word.text not in ("-", "--")


def basename(word: Word) -> str:
    """The last part of a command's path."""
    return word.text.rsplit("/", 1)[-1]


def split_leading(args: Sequence[Word], valued: Sequence[str]) -> tuple[Sequence[Word], Sequence[Word]]:
    """The options in front of a subcommand, and the rest from the subcommand on."""
    at = 0
    while at < len(args) and is_option(args[at]):
        at += 2 if args[at].text in valued else 1
    return args[:at], args[at:]


def has_option(args: Sequence[Word], options: Sequence[str]) -> bool:
    """Whether one of the options is given, as a letter in a cluster, as a long one, shortened perhaps."""
    given = takewhile(lambda word: word.text != "--", args)
    return any(_is_one_of(word, options) for word in given)


def _is_one_of(word: Word, options: Sequence[str]) -> bool:
    if may_be_anything(word):
        return True
    if word.text.startswith("--"):
        name = word.text[2:].partition("=")[0]
        return any(len(o) > 1 and (o == name or (len(name) > 2 and o.startswith(name))) for o in options)
    return is_option(word) and any(len(o) == 1 and o in word.text[1:] for o in options)


class CommandRule(_Table):
    """Holds of a command if each thing that it names is there."""

    commands: tuple[str, ...]
    why: str = ""
    subcommands: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    leading_options: tuple[str, ...] = ()
    operands: tuple[str, ...] = ()
    matches: tuple[str, ...]
    spares: tuple[str, ...]

    def holds(self, argv: Sequence[Word], leading: Sequence[str]) -> bool:
        """Whether it holds of a command, given the options before its subcommand that take a value."""
        if not named(basename(argv[0]), self.commands):
            return False
        before, rest = split_leading(argv[1:], leading)
        return (
            (not self.subcommands or self._has_subcommand(rest))
            and (not self.options or has_option(argv[1:], self.options))
            and (not self.leading_options or has_option(before, self.leading_options))
            and (not self.operands or any(self._is_operand(word) for word in argv[1:]))
        )

    def _has_subcommand(self, rest: Sequence[Word]) -> bool:
        operands = [word for word in rest if not is_option(word)]
        return any(
            len(operands) >= len(parts)
            and all(
                may_be_anything(word) or named(word.text, (part,))
                for word, part in zip(operands, parts, strict=False)
            )
            for parts in (subcommand.split() for subcommand in self.subcommands)
        )

    def _is_operand(self, word: Word) -> bool:
        return may_be_anything(word) or named(word.text, self.operands)


def named(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name is among some, which may hold wildcards."""
    return name in patterns or any(
        fnmatchcase(name, pattern) for pattern in patterns if not _WILDCARDS.isdisjoint(pattern)
    )


class Launcher(_Table):
    """A command that runs its arguments as another command, such as `sudo` and `xargs`."""

    commands: tuple[str, ...]
    flags: tuple[str, ...] = ()
    valued: tuple[str, ...] = ()
    skip: int = 0
    subcommand: str = ""
    assignments: bool = False
    numbers: bool = False
    attached: bool = False
    text: bool = False
    appends: bool = False
    transparent: bool = False
    examples: tuple[tuple[str, str], ...]

    def inner(self, argv: Sequence[Word]) -> tuple[Word, ...] | None:
        """The command that is run; empty for none, None where it cannot be told."""
        at = self._after_options(argv, 1)
        if at is None:
            return None
        while self.assignments and at < len(argv) and "=" in argv[at].text and argv[at].kind is Kind.PLAIN:
            at += 1
        inner = tuple(argv[at + self.skip :])
        return (*inner, Word("$@", Kind.OPEN)) if self.appends and inner else inner

    def _after_options(self, argv: Sequence[Word], at: int) -> int | None:
        if self.subcommand:
            at += 1
        while at < len(argv):
            word = argv[at]
            if word.text == "--":
                return at + 1
            if may_be_anything(word) and not self.text:
                return None
            if not word.text.startswith("-"):
                return at
            step = self._step(word.text)
            if step is None:
                return None
            at += step
        return at

    def _step(self, option: str) -> int | None:
        """How many words an option takes; None for one that is not known."""
        if option in self.flags or (self.numbers and option[1:].isdigit()):
            return 1
        if option in self.valued:
            return 2
        long = option.startswith("--") and option.partition("=")[0] in self.valued
        short = not option.startswith("--") and option[:2] in self.valued
        return 1 if long or short else None


class Interpreter(_Table):
    """A program that runs code."""

    commands: tuple[str, ...]
    shell: bool = False
    code: tuple[str, ...] = ()
    module: tuple[str, ...] = ()
    valued: tuple[str, ...] = ()
    examples: tuple[str, ...]


class Writer(_Table):
    """A command that writes operands of its."""

    commands: tuple[str, ...]
    operands: str = "all"
    options: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    flags: str = ""
    edits: bool = False
    matches: tuple[tuple[str, ...], ...]

    def written(self, args: Sequence[Word]) -> tuple[Word, ...]:
        """The words that name what is written."""
        if self.needs and not has_option(args, self.needs):
            return ()
        operands = [word for word in args if not is_option(word) and word.text != "--"]
        chosen = {"all": operands, "last": operands[-1:], "none": []}[self.operands]
        values = tuple(self._values(args))
        return tuple(dict.fromkeys((*values, *(operands if values and self.operands == "last" else chosen))))

    def _values(self, args: Sequence[Word]) -> Iterator[Word]:
        for index, word in enumerate(args):
            name, equals, value = word.text.partition("=")
            if equals and name.lstrip("-") in self.options:
                yield Word(value, word.kind, "")
            elif word.text.lstrip("-") in self.options and index + 1 < len(args) and is_option(word):
                yield args[index + 1]
            elif word.text[:1] == "-" and word.text[1:2] in self.options and word.text[2:]:
                yield Word(word.text[2:], word.kind, "")

    def only_edits(self, args: Sequence[Word]) -> bool:
        """Whether nothing is done but writing what `written` names."""
        options = [word.text for word in args if is_option(word)]
        return (
            self.edits
            and bool(self.written(args))
            and all(word.kind is Kind.PLAIN for word in args)
            and all(not option.startswith("--") and set(option[1:]) <= set(self.flags) for option in options)
        )


class Names(_Table):
    """Parts of paths that are not to be touched."""

    parts: tuple[str, ...]
    paths: tuple[str, ...] = ()
    matches: tuple[str, ...]
    spares: tuple[str, ...]

    def mentioned(self, text: str) -> bool:
        """Whether a word names one of them."""
        return any(
            part in self.parts for path in candidates(text) for part in path.replace(":", "/").split("/")
        ) or named(text, self.paths)


class Environment(_Table):
    """Variables in front of commands."""

    names: tuple[str, ...]
    dangerous: tuple[str, ...]
    matches: tuple[str, ...]
    spares: tuple[str, ...]


class Rules(_Table):
    """All rules about commands."""

    safe: tuple[SafeRule, ...]
    dangerous: tuple[CommandRule, ...]
    launcher: tuple[Launcher, ...]
    interpreter: tuple[Interpreter, ...]
    network: tuple[CommandRule, ...]
    writer: tuple[Writer, ...]
    secrets: Names
    guarded: Names
    environment: Environment
    leading: dict[str, tuple[str, ...]]


def read_rules() -> Rules:
    """The built-in rules as they stand in the files; `rule_examples.load_rules` also tries their examples.

    Raises:
        UsageError: a file is not what it should be; the text names the rule and the key.
    """
    folder = resources.files(__package__).joinpath("rules")
    tables = {
        name: tomllib.loads(folder.joinpath(f"{name}.toml").read_text(encoding="utf-8"))
        for name in ("safe", "dangerous", "programs")
    }
    try:
        return Rules.model_validate(
            {"safe": tables["safe"]["rule"], "dangerous": tables["dangerous"]["rule"], **tables["programs"]}
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"The rules about commands are broken at {where}: {first['msg']}.") from error
