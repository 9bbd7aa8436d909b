"""A second, independent reading of the plainest command lines.

`plain_commands` knows nothing of the grammar in `shell_syntax` and reads only words, quotes, simple
redirections and the joints `; && || |` and line ends. A command line is called safe only where both readings
agree, so that a mistake of one of them vouches for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from anton.engine.shell_command import Simple

Plain = tuple[tuple[str, ...], tuple[tuple[str, str, str], ...]]
"""Words of one command, and its redirections: operator, descriptor, target."""

_TOKEN = re.compile(
    r"""
    (?P<blank>(?:[ \t]|\\\n)+)
  | (?P<joint>&&|\|\|(?!&)|\|(?!&)|;(?![;&])|\n)
  | (?P<redirect>(?:(?<![^\s;|&])[0-9])?(?:>>|>&|>|<)(?![<>(&|]))
  | (?P<comment>(?<![^\s;|&])\#[^\n]*)
  | (?P<word>(?:
        [^\s\\'"$`;&|<>(){}\#]
      | (?<=[^\s;|&])\#
      | \\[^\n]
      | '[^']*'
      | "(?:[^"\\$`]|\\.)*"
    )+)
    """,
    re.VERBOSE | re.DOTALL,
)
_PIECE = re.compile(
    r"""\\(?P<escaped>.)|'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<bare>[^\\'"]+)""", re.DOTALL
)


def plain_commands(text: str) -> tuple[Plain, ...] | None:
    """The commands of a plain command line, in order; None where it is not plain."""
    commands: list[Plain] = []
    words: list[str] = []
    redirects: list[tuple[str, str, str]] = []
    pending = ""
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            return None
        at = token.end()
        match token.lastgroup:
            case "word" if pending:
                redirects.append((pending.lstrip("0123456789"), pending.rstrip("<>&"), _resolved(token[0])))
                pending = ""
            case "word" if token[0] == "!" and not words and not redirects:
                continue
            case "word":
                words.append(_resolved(token[0]))
            case "redirect" if not pending:
                pending = token[0]
            case "joint" if not pending:
                if words or redirects:
                    commands.append((tuple(words), tuple(redirects)))
                    words, redirects = [], []
                elif token[0] != "\n":
                    return None
            case "blank" | "comment":
                continue
            case _:
                return None
    if pending:
        return None
    if words or redirects:
        commands.append((tuple(words), tuple(redirects)))
    return tuple(commands)


def _resolved(word: str) -> str:
    return "".join(_piece(match) for match in _PIECE.finditer(word))


def _piece(match: re.Match[str]) -> str:
    if match["double"] is not None:
        return re.sub(r'\\([$`"\\\n])', lambda m: m[1].replace("\n", ""), match["double"])
    return match["escaped"] or match["single"] or match["bare"] or ""


def as_plain(commands: Sequence[Simple]) -> tuple[Plain, ...]:
    """The other reading in the same form."""
    return tuple(
        (
            (*(f"{name}={value.text}" for name, value in command.assignments), *_texts(command)),
            tuple((r.operator, r.descriptor, r.target.text) for r in command.redirects),
        )
        for command in commands
    )


def _texts(command: Simple) -> tuple[str, ...]:
    return tuple(word.text for word in command.argv)
