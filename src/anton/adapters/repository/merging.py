"""Three versions of a file made one, as git does it.

No attribute takes part, and no merge driver: git is given three files in a folder of ours.
Source: https://git-scm.com/docs/git-merge-file
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from anton.adapters.repository.mirror import Mirror


async def merge(mirror: Mirror, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """What both sides made of `base`; None where lines that they changed meet, or one is no text."""
    if any(b"\0" in version for version in (base, ours, theirs)):  # git looks at the first 8,000 bytes only
        return None
    with mirror.passing() as passing:
        versions = {"ours": ours, "base": base, "theirs": theirs}
        await asyncio.to_thread(_write, passing, versions)
        done = await mirror.git.run("merge-file", "-p", "--quiet", *versions, cwd=passing)
    return None if done.code else done.out


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
