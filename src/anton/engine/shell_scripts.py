"""Small programs that commands take as an argument, read by an allow-list of what they may hold.

sed can run commands (`e`), read and write files (`r`, `w`); awk can too (`system`, `|`, `>`, `getline`).
"""

from __future__ import annotations

import re

_PATTERN = r"/(?:\[[^\]/\\\n]+\]|\\[^\n]|[^/\\\[\n])*/"
_ADDRESS = rf"(?:[0-9]+(?:~[0-9]+)?|\$|{_PATTERN}I?)"
_SUBSTITUTION = (
    r"s([/|,#:@])(?:\[(?:(?!\2)[^\]\\\n])+\]|\\[^\n]|(?!\2)[^\\\[\n])*\2(?:\\[^\n]|(?!\2)[^\\\n])*\2[gpI0-9]*"
)
_SED = re.compile(rf"\s*(?:{_ADDRESS}(?:,\+?{_ADDRESS})?)?\s*!?\s*(?:[pdqQ=nNhHgGxlDP]|({_SUBSTITUTION}))\s*")

_AWK_TOKEN = re.compile(
    r"""\s+|"(?:[^"\\\n]|\\.)*"|(?P<name>[A-Za-z_]\w*)(?P<call>\s*\()?|\d+(?:\.\d+)?|&&|\|\||[{}()\[\],;:?!=<+*%$~^-]"""
    r"""|(?P<regex>/(?:\[[^\]/\\\n]+\]|[^/\\\[\n]|\\.)+/)"""
)
_AWK_CALLED = frozenset(
    [
        "print",
        "printf",
        "length",
        "substr",
        "split",
        "tolower",
        "toupper",
        "index",
        "match",
        "sub",
        "gsub",
        "sprintf",
        "int",
        "if",
        "for",
        "while",
        "in",
    ]
)
_AWK_FORBIDDEN = frozenset(
    ["system", "getline", "close", "fflush", "function", "func", "ENVIRON", "PROCINFO", "ARGV", "ARGC"]
)
_AWK_BEFORE_PATTERN = frozenset({"", "{", "}", "(", ",", ";", "!", "~", "&&", "||"})


def harmless_sed(script: str) -> bool:
    """Whether a sed script only selects, substitutes and prints."""
    at = 0
    while True:
        command = _SED.match(script, at)
        if command is None:
            return False
        at = command.end()
        if at == len(script):
            return True
        if script[at] != ";":
            return False
        at += 1


def harmless_awk(program: str) -> bool:
    """Whether an awk program only computes and prints.

    Comparisons with `>` are not told from redirections, and divisions are not read: both are no.
    """
    at, before = 0, ""
    while at < len(program):
        token = _AWK_TOKEN.match(program, at)
        if token is None:
            return False
        if token["call"] and token["name"] not in _AWK_CALLED:
            return False
        if token["name"] in _AWK_FORBIDDEN:
            return False
        if token["regex"] and before not in _AWK_BEFORE_PATTERN:
            return False
        at, before = token.end(), token[0].strip() or before
    return bool(program)


_JQ_WORD = re.compile(r"\b(?:import|include|input_filename|modulemeta|env|input|debug)\b|\$ENV|\$__")


def harmless_jq(program: str) -> bool:
    """Whether a jq program reads nothing but its input: no module, no environment. It can write nothing."""
    return not _JQ_WORD.search(program)


def harmless_printf(format_: str) -> bool:
    """Whether a format of bash's printf sets no variable, which `%n` does."""
    return not re.search(r"%[^%A-Za-z]*[nQ(]", format_)


CHECKS = {"sed": harmless_sed, "awk": harmless_awk, "jq": harmless_jq, "printf": harmless_printf}
"""By the name that rules use."""
