"""docs/tools.md names every tool, how far it reaches, and who has it."""

from __future__ import annotations

import re
from pathlib import Path

from anton.agents.roster import conversationalist, roster
from anton.tools.catalogue import FOR_A_PERSON, TOOLS

PAGE = Path(__file__).parent.parent / "docs" / "tools.md"


def test_every_tool_stands_on_its_page_with_its_reach_and_who_has_it() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| `(\w+)` \| ([\w, ]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    told = {name: (reach, who) for name, reach, who in rows}
    assert len(told) == len(rows)
    assert told == {
        name: (
            tool.spec.reach.value,
            ", ".join(spec.name for spec in (*roster(), conversationalist()) if name in spec.tools)
            or "nobody",
        )
        for name, tool in {**TOOLS, **FOR_A_PERSON}.items()
    }
