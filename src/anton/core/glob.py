"""Globs over the paths of a repository."""

from __future__ import annotations

import re
from functools import lru_cache

_GLOB = re.compile(r"\*\*/|\*\*|\*|\?|\{[^{}]*\}|[^*?{]+|\{")


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path is what one of the globs says: `*`, `?`, `**` across folders, `{a,b}`."""
    return _compiled(patterns).fullmatch(path) is not None


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{_regex(pattern)})" for pattern in patterns) or "(?!)")


def _regex(pattern: str) -> str:
    """A glob as a regular expression for `fullmatch`."""
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    out = []
    for token in _GLOB.findall(pattern):
        if token in wild:
            out.append(wild[token])
        elif token.startswith("{") and token.endswith("}"):
            choices = "|".join(_regex(choice) for choice in token[1:-1].split(","))
            out.append(f"(?:{choices})")
        else:
            out.append(re.escape(token))
    return "".join(out)
