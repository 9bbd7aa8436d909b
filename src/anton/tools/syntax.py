"""Does a Python file still parse? Asked of an interpreter of its own: hostile nesting can crash a parser."""

from __future__ import annotations

import os
import sys

from anton.system.descriptors import memory_file
from anton.tools.program import capture

MAX_BYTES = 500_000
"""Longer files are not checked."""
_SECONDS = 5.0
_CHECK = """
import ast, sys
try:
    ast.parse(sys.stdin.buffer.read())
except SyntaxError as error:
    print(f"line {error.lineno or 1}: {error.msg}")
"""


async def python_problem(content: bytes) -> str | None:
    """`line 3: expected ':'`, or None where the source parses or could not be checked."""
    if len(content) > MAX_BYTES:
        return None
    root = os.open("/", os.O_PATH | os.O_DIRECTORY)
    try:
        with memory_file(content) as source:
            found = await capture(
                [sys.executable, "-I", "-S", "-W", "ignore", "-c", _CHECK],
                folder=root,
                stdin=source,
                env={},
                seconds=_SECONDS,
                max_bytes=1_000,
            )
    finally:
        os.close(root)
    return found.output.decode("utf-8", "replace").strip() or None if found.exit_code == 0 else None
