# ruff: noqa: T201 - its output is what it is for
"""Print the table of all runs: `python -m tests.lies [FILE]` writes it to a file as well."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.lies.cheats import CHEATS
from tests.lies.honest import HONEST
from tests.lies.story import Ending, Story, play

AT_ONCE = 3


async def _played(story: Story, folder: Path, gate: asyncio.Semaphore) -> Ending:
    async with gate:
        ending = await play(story, folder)
    print("." if ending.fits(story) else f"\n{story.name}: {ending}", end="", file=sys.stderr, flush=True)
    return ending


async def _all(folder: Path) -> list[tuple[Story, Ending]]:
    gate = asyncio.Semaphore(AT_ONCE)
    stories = (*CHEATS, *HONEST)
    runs = (_played(story, folder / str(number), gate) for number, story in enumerate(stories))
    return list(zip(stories, await asyncio.gather(*runs), strict=True))


def table(runs: list[tuple[Story, Ending]]) -> str:
    """Markdown: name, what must be said, the verdict, what was found."""
    rows = ["| run | must be | verdict | found |", "|---|---|---|---|"]
    for story, ending in runs:
        wanted = "green" if story.honest else "never green: " + " or ".join(sorted(story.expects))
        verdict = ("green" if ending.green else "red") + ("" if ending.fits(story) else " **WRONG**")
        found = "; ".join(detail.split("\n")[0].replace("|", "\\|") for detail in ending.detail)
        rows.append(f"| {story.name} | {wanted} | {verdict} | {found} |")
    return "\n".join(rows)


def main() -> int:
    """Play everything; 1 where anything came out wrong."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="anton-lies-") as folder:
        runs = asyncio.run(_all(Path(folder)))
    wrong = [story.name for story, ending in runs if not ending.fits(story)]
    lies, honest = len(CHEATS), len(HONEST)
    head = (
        f"# Lies\n\n{lies} runs in which the model, the patch or the repository cheats, and {honest} in "
        f"which nobody does. False greens and false alarms: {len(wrong)}.\n"
        "Made by `python -m tests.lies docs/lies.md`."
    )
    text = f"{head}\n\n{table(runs)}\n"
    print(text)
    print(f"\n{time.monotonic() - started:.0f} s", file=sys.stderr)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
