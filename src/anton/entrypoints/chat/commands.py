"""What can be typed besides words to the agent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from anton.core.errors import UsageError
from anton.core.event import NotePosted, Source
from anton.core.permission import Policy
from anton.core.text import one_line
from anton.core.ticket import ticket_from_text
from anton.entrypoints.chat.dialogue import EXIT, Command, Dialogue, Next
from anton.entrypoints.mcp import mcp_page
from anton.entrypoints.start import new_run_id, received_of
from anton.ports import Journal
from anton.views.conversation import transcript
from anton.views.diff import diff_view
from anton.views.settings import settings_table

TITLE_CHARACTERS = 80
_POLICIES = {
    Policy.YOLO: "everything is done, nothing is asked but what others will see",
    Policy.AUTO: "all that stays in the worktree and the sandbox is done; asks about what is dangerous",
    Policy.ON_FAILURE: "all is tried in the sandbox first; asks about what the sandbox refuses",
    Policy.AUTO_EDIT: "files are read and changed; asks before anything runs",
    Policy.ON_REQUEST: "files are read; asks before anything else",
    Policy.NEVER: "files are read; everything else is a no",
}
"""From the one that allows most to the one that allows least."""


async def listed_sessions(sessions: Journal) -> list[str]:
    """A line for each conversation, newest first: its id, when it was begun, what was said first."""
    lines = []
    for name in (await sessions.run_ids())[::-1]:
        entries = await sessions.read_kinds(name, {"run_received", "note_posted"})
        said = (e.event.note for e in entries if isinstance(e.event, NotePosted))
        first = next((note.text for note in said if note.source is Source.PERSON), "(nothing was said)")
        lines.append(f"{name}  {entries[0].at:%Y-%m-%d %H:%M}  {one_line(first)[:TITLE_CHARACTERS]}")
    return lines


async def _help(chat: Dialogue, _: str) -> None:
    rows = [(f"{name} {each.usage}".rstrip(), each.text) for name, each in COMMANDS.items()]
    rows.append((EXIT, "leave; the conversation is kept"))
    width = max(len(typed) for typed, _ in rows) + 2
    chat.screen.say("\n".join(f"{typed:<{width}}{text}" for typed, text in rows))


async def _oncall(chat: Dialogue, rest: str) -> None:
    run_id, repository = new_run_id(), Path(chat.talk.state.received.repository)
    try:
        ticket = ticket_from_text(rest, key=f"BUG-{run_id}")
    except ValueError as error:
        raise UsageError(f"say what the bug is: /oncall TEXT ({error})") from error
    received = received_of(chat.sitting.anton, ticket, repository)
    chat.screen.say(await chat.sitting.errands.begin(run_id, received))


async def _diff(chat: Dialogue, rest: str) -> None:
    diff = await chat.talk.diff()
    if not diff:
        raise UsageError("nothing was changed")
    if not rest:
        chat.screen.show(diff_view(diff))
        return
    await _write(rest, diff)
    chat.screen.say(f"The patch is in {rest}. Take it with: git apply {rest}")


async def _save(chat: Dialogue, rest: str) -> None:
    if not rest:
        raise UsageError("say where to: /save FILE")
    masked = chat.sitting.anton.world.masker.mask(transcript(chat.talk.log.entries))
    await _write(rest, masked)
    chat.screen.say(f"The conversation is in {rest}.")


async def _write(name: str, text: str) -> None:
    """Write a new file.

    Raises:
        UsageError: it cannot be written, or is there.
    """

    def write() -> None:
        with Path(name).expanduser().open("x", encoding="utf-8", newline="") as file:
            file.write(text)

    try:
        await asyncio.to_thread(write)
    except OSError as error:
        raise UsageError(f"{name!r} cannot be written: {error.strerror}; name a new file") from error


async def _checkpoint(chat: Dialogue, rest: str) -> None:
    name = await chat.talk.mark(rest)
    chat.screen.say(
        f"Checkpoint {name}: conversation and files as they are now. Go back with: /restore {name}"
    )


async def _restore(chat: Dialogue, rest: str) -> Next | None:
    if not rest:
        chat.screen.say(f"/restore NAME; {chat.talk.named_marks}")
        return None
    await chat.talk.take_back(rest)
    chat.screen.say(
        f"Back at checkpoint {rest}, conversation and files. The agent does not know any more what came "
        "after; it stays on record."
    )
    return Next(chat.talk.id, shown=True)


async def _resume(chat: Dialogue, rest: str) -> Next | None:
    if not rest:
        await _list(chat, rest)
        return None
    if rest == chat.talk.id:
        raise UsageError(f"conversation {rest} is the one that is open")
    if rest not in await chat.sitting.sessions.run_ids():
        raise UsageError(f"there is no conversation {rest!r}; see which there are: /sessions")
    return Next(rest, shown=True)


async def _model(chat: Dialogue, rest: str) -> Next | None:
    known = chat.sitting.anton.models
    if not rest:
        chat.screen.say(f"{chat.talk.model}. {_choice('/model NAME', known)}")
        return None
    if rest not in known:
        raise UsageError(
            f"there is no model {rest!r} in the settings. {_choice('/model NAME', known)}. Name more in "
            "agents.chat.models"
        )
    await chat.talk.choose_model(rest)
    chat.screen.say(f"From here on, {rest} answers in this conversation.")
    return Next(chat.talk.id)


async def _approval(chat: Dialogue, rest: str) -> Next | None:
    policies, now = list(_POLICIES), chat.talk.policy
    if not rest:
        rows = [f"{'*' if each is now else ' '} {each:<11}{text}" for each, text in _POLICIES.items()]
        chat.screen.say("\n".join([*rows, "Change it for this conversation with: /approval POLICY"]))
        return None
    if rest not in policies:
        raise UsageError(f"there is no policy {rest!r}. {_choice('/approval POLICY', policies)}")
    chosen = Policy(rest)
    await chat.talk.choose_policy(chosen)
    more = policies.index(chosen) < policies.index(now)
    wider = f" This allows MORE than {now}, which was in force." if more else ""
    chat.screen.say(f"From here on, in this conversation: {_POLICIES[chosen]}.{wider}")
    return Next(chat.talk.id)


def _choice(how: str, names: Sequence[str]) -> str:
    return f"{how} takes: {', '.join(names)}"


async def _tools(chat: Dialogue, _: str) -> None:
    tools = chat.talk.agent.tools.values()
    width = max((len(tool.spec.name) for tool in tools), default=0) + 2
    chat.screen.say("\n".join(f"{tool.spec.name:<{width}}{tool.spec.reach.value}" for tool in tools))


async def _stats(chat: Dialogue, _: str) -> None:
    state = chat.talk.own
    cost = f"${state.cost_dollars:.4f}" if state.cost_known else "cost not known"
    usage = state.usage
    chat.screen.say(
        f"{state.turn} replies · {usage.input_tokens:,} tokens in ({usage.cached_tokens:,} cached), "
        f"{usage.output_tokens:,} out · {cost}"
    )


async def _config(chat: Dialogue, _: str) -> None:
    seat = chat.sitting.seat
    settings = await asyncio.to_thread(seat.compose.settings, seat.wish)
    chat.screen.show(
        settings_table([(each.key, each.value, each.origin) for each in settings if each.is_set])
    )


async def _mcp(chat: Dialogue, _: str) -> None:
    chat.screen.show(mcp_page(await chat.sitting.anton.tool_servers.listed()))


async def _clear(chat: Dialogue, _: str) -> None:
    chat.screen.console.clear()


async def _list(chat: Dialogue, _: str) -> None:
    chat.screen.say("\n".join(await listed_sessions(chat.sitting.sessions)))


async def _marks(chat: Dialogue) -> Sequence[str]:
    return tuple(chat.talk.own.marks)


async def _ids(chat: Dialogue) -> Sequence[str]:
    return (await chat.sitting.sessions.run_ids())[::-1]


async def _models(chat: Dialogue) -> Sequence[str]:
    return chat.sitting.anton.models


async def _policies(_: Dialogue) -> Sequence[str]:
    return tuple(_POLICIES)


COMMANDS: Mapping[str, Command] = {
    "/help": Command("", "this list", _help),
    "/oncall": Command("TEXT", "take in a bug as anton fix does, and work on it beside", _oncall),
    "/diff": Command("[FILE]", "what was changed so far; with FILE, write it there as a patch", _diff),
    "/save": Command("FILE", "write the conversation down as Markdown", _save),
    "/checkpoint": Command("[NAME]", "mark this point of conversation and files", _checkpoint),
    "/restore": Command("[NAME]", "go back to a checkpoint; without NAME, list them", _restore, _marks),
    "/tools": Command("", "the agent's tools and how far each reaches", _tools),
    "/config": Command("", "what is set, and where that was said", _config),
    "/approval": Command("[POLICY]", "what is done without asking; change it", _approval, _policies),
    "/model": Command("[NAME]", "the model in use; change it", _model, _models),
    "/stats": Command("", "replies, tokens and cost of this conversation", _stats),
    "/mcp": Command("", "the MCP servers and their tools", _mcp),
    "/sessions": Command("", "all conversations", _list),
    "/resume": Command("[ID]", "go on with another conversation", _resume, _ids),
    "/clear": Command("", "clear the screen; the conversation stays", _clear),
}
