"""Outsiders' Python, parsed within bounds.

A hostile file may exhaust a parser's stack. CPython 3.11 answers every such file that was tried with an
error; its documentation promises less ("it is possible to crash the Python interpreter"), so a throw-away
interpreter with half the stack reads each file first: 10 ms for a whole patch.
"""

from __future__ import annotations

import ast
import asyncio
import re
import sys
import warnings
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from anton.system.child import child

MAX_BYTES = 200_000
"""A longer Python file is not read, and named as such."""
_SECONDS = 10.0
_PROBE = """
import resource, sys
_, most = resource.getrlimit(resource.RLIMIT_STACK)
resource.setrlimit(resource.RLIMIT_STACK, (4 << 20, most))
read = sys.stdin.buffer
while line := read.readline():
    text = read.read(int(line))
    try:
        compile(text, "file", "exec", 0x400, dont_inherit=True)
        answer = "fine"
    except (SyntaxError, ValueError):
        answer = "invalid"
    except (RecursionError, MemoryError):
        answer = "too deep"
    print(answer, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What came of the files."""

    modules: Mapping[str, ast.Module]
    """By name, those that parse."""
    invalid: frozenset[str]
    """No Python of this version: the runs show what becomes of them."""
    unreadable: Mapping[str, str]
    """Too long or too deeply nested, and in which way."""


async def parse(files: Mapping[str, bytes]) -> Parsed:
    """Parse files, given by any name."""
    long = {name: f"longer than {MAX_BYTES:,} bytes" for name, text in files.items() if len(text) > MAX_BYTES}
    short = {name: text for name, text in files.items() if name not in long}
    answers = await _probe(tuple(short.values()))
    modules: dict[str, ast.Module] = {}
    invalid: set[str] = set()
    for (name, text), answer in zip(short.items(), answers, strict=True):
        module = parse_one(text) if answer == "fine" else answer
        if isinstance(module, ast.Module):
            modules[name] = module
        elif module == "invalid":
            invalid.add(name)
        else:
            long[name] = "nested too deeply"
    return Parsed(modules, frozenset(invalid), long)


def parse_one(text: bytes) -> ast.Module | str:
    """The module, or `invalid`, or `too deep`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError):
        return "invalid"
    except (RecursionError, MemoryError):
        return "too deep"


async def _probe(texts: tuple[bytes, ...]) -> list[str]:
    """An answer for each text; `too deep` for the one that ended the interpreter and for all after it."""
    if not texts:
        return []
    answers = b""
    argv = (sys.executable, "-I", "-S", "-W", "ignore", "-c", _PROBE)
    async with child(*argv, env={}, stdin=PIPE, stdout=PIPE) as process:
        with suppress(TimeoutError):
            async with asyncio.timeout(_SECONDS):
                answers, _ = await process.communicate(
                    b"".join(b"%d\n%s" % (len(text), text) for text in texts)
                )
    found = re.findall("fine|invalid|too deep", answers.decode())
    return (found + ["too deep"] * len(texts))[: len(texts)]
