"""Reading the forge for a person: an issue or pull request with its comments, and the code it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from anton.core.errors import ToolError
from anton.core.text import one_line
from anton.core.tool import Reach
from anton.ports import CodeHit, Discussion, Remark
from anton.tools.context import ToolContext
from anton.tools.define import tool
from anton.tools.speaking import DATA, desk_of, quoted, told_to_the_model

MAX_BODY_CHARACTERS = 12_000
MAX_REMARK_CHARACTERS = 3_000
MAX_REMARKS_CHARACTERS = 16_000
"""Of all comments together; the newest are kept."""
_MAX_FRAGMENT_CHARACTERS = 600


@tool(reach=Reach.NETWORK, seconds=60)
async def github_issue(context: ToolContext, number: Annotated[int, Field(ge=1, le=1_000_000_000)]) -> str:
    """Read an issue or a pull request of the configured repository, with its newest comments.

    Args:
        context: The agent's surroundings.
        number: As in #42.
    """
    reading = desk_of(context).discussions
    if reading is None:
        raise ToolError("the forge that is set up has no issues to read")
    with told_to_the_model():
        found = await reading.discussion(number)
    return "\n".join((DATA, quoted("\n".join(_told(found)))))


@tool(reach=Reach.NETWORK, seconds=60)
async def github_search(
    context: ToolContext,
    query: Annotated[str, Field(min_length=1, max_length=200)],
    limit: Annotated[int, Field(ge=1, le=30)] = 10,
) -> str:
    """Search the code of the configured repository on GitHub: its default branch, as GitHub has indexed it.

    Your worktree is searched faster and in full by grep; this is for a repository that you have no tree of.

    Args:
        context: The agent's surroundings.
        query: Words, and qualifiers such as `language:python`, `path:src` or `filename:conftest.py`.
        limit: Files to return, at most 30.
    """
    search = desk_of(context).code_search
    if search is None:
        raise ToolError("the forge that is set up searches no code; use grep")
    with told_to_the_model():
        hits = await search.search_code(query.strip(), limit)
    if not hits:
        return f"Nothing was found for {query!r}."
    return "\n".join((DATA, quoted("\n\n".join(map(_listed, hits)))))


def _told(found: Discussion) -> Iterator[str]:
    kind = "Pull request" if found.branches else "Issue"
    yield f"{kind} {found.number} ({found.state}): {one_line(found.title)}"
    yield one_line(found.url)
    facts = {"by": found.author, "labels": ", ".join(found.labels), "branches": found.branches}
    yield from (f"{name}: {one_line(value)}" for name, value in facts.items() if value)
    yield ""
    yield _cut(found.body, MAX_BODY_CHARACTERS) or "(no text)"
    kept = _newest(found.remarks)
    older = found.left_out + len(found.remarks) - len(kept)
    if older:
        yield f"\n[{older:,} older comments are left out]"
    yield from kept


def _newest(remarks: tuple[Remark, ...]) -> list[str]:
    kept: list[str] = []
    room = MAX_REMARKS_CHARACTERS
    for remark in reversed(remarks):
        where = f" on {one_line(remark.where)}" if remark.where else ""
        by = one_line(remark.author) or "somebody"
        said = f"\n{by}, {remark.at[:10]}{where}:\n{_cut(remark.text, MAX_REMARK_CHARACTERS)}"
        room -= len(said)
        if room < 0:
            break
        kept.append(said)
    return kept[::-1]


def _listed(hit: CodeHit) -> str:
    fragments = [_cut(fragment, _MAX_FRAGMENT_CHARACTERS) for fragment in hit.fragments]
    return "\n".join((one_line(hit.path), *fragments))


def _cut(text: str, limit: int) -> str:
    text = text.strip()
    return text if len(text) <= limit else f"{text[:limit]} [{len(text) - limit:,} more characters]"
