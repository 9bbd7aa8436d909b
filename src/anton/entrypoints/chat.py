"""`anton chat`: a conversation about a repository, whose checkout is only read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console, RenderableType

from anton.core.errors import OutsideError, UsageError, unwrapped
from anton.core.event import AgentEnded, AgentOutcome, Entry, NotePosted, Source, ToolStarted, TurnEnded
from anton.core.message import StreamItem, StreamRestarted, TextDelta
from anton.core.question import Question, QuestionAsked
from anton.core.run import RunState
from anton.core.text import one_line, visible
from anton.core.ticket import Ticket, ticket_from_text
from anton.entrypoints.composition import Anton, Compose, Wish
from anton.entrypoints.keyboard import EditedLines, Keyboard, PlainLines
from anton.entrypoints.mcp import mcp_page
from anton.entrypoints.session import Seat
from anton.entrypoints.speaking import INTERRUPTED, speaking
from anton.entrypoints.start import config_option, new_run_id, received_of, sandbox_option
from anton.ports import Journal
from anton.runs.conversation import Conversation, begin, open_conversation
from anton.runs.runner import receive
from anton.views.diff import diff_view
from anton.views.questions import question_card
from anton.views.settings import settings_table

RESULT_LINES = 3
"""Of a tool's result that are shown."""
TITLE_CHARACTERS = 80
EXIT = "/exit"


@click.command()
@click.option("--repo", type=click.Path(path_type=Path), help="The repository.  [default: as for anton fix]")
@click.option("--resume", "session", default="", help="Go on with this conversation.")
@click.option("--list", "listing", is_flag=True, help="List the conversations, newest first.")
@config_option
@sandbox_option
@click.pass_obj
@speaking
def chat(
    compose: Compose, repo: Path | None, session: str, listing: bool, config: Path | None, sandbox: str
) -> int:
    """Talk with Anton about a git repository; it works on a copy. /help says what else you can type.

    Without a terminal, each line of standard input is something that you say.
    """
    seat = Seat(compose, Wish(repo, config, sandbox=sandbox, looking=listing), Console())
    if listing:
        for line in seat.run(lambda anton: listed_sessions(_sessions(anton))):
            click.echo(line)
        return 0
    name = session or new_run_id()
    try:
        seat.run(lambda anton: _converse(seat, anton, name, new=not session))
    except KeyboardInterrupt:
        click.echo(f"\nanton: interrupted. Go on with: anton chat --resume {name}", err=True)
        return INTERRUPTED
    return 0


def _sessions(anton: Anton) -> Journal:
    if anton.sessions is None:
        raise UsageError("there are no conversations here")
    return anton.sessions


async def listed_sessions(sessions: Journal) -> list[str]:
    """A line for each conversation, newest first: its id, when it was begun, what was said first."""
    lines = []
    for name in (await sessions.run_ids())[::-1]:
        entries = await sessions.read_kinds(name, {"run_received", "note_posted"})
        said = (e.event.note for e in entries if isinstance(e.event, NotePosted))
        first = next((note.text for note in said if note.source is Source.PERSON), "(nothing was said)")
        lines.append(f"{name}  {entries[0].at:%Y-%m-%d %H:%M}  {one_line(first)[:TITLE_CHARACTERS]}")
    return lines


async def _converse(seat: Seat, anton: Anton, name: str, *, new: bool) -> None:
    sessions, spec = _sessions(anton), anton.conversationalist
    if anton.suggestion or spec is None:
        raise UsageError(
            "no model is set: what comes with Anton is a recording of one demo run and cannot talk. "
            "Set API_KEY, BASE_URL and MODEL"
        )
    if new:
        await anton.world.repository(str(anton.repository.resolve())).resolve("")
        ticket = Ticket(f"CHAT-{name}", "Conversation", "", anton.user, "cli")
        await begin(anton.world, sessions, name, received_of(anton, ticket, anton.repository))
    screen = Screen(seat.console)
    history = anton.world.home / "chat_history"
    keyboard: Keyboard = EditedLines(history, (*COMMANDS, EXIT)) if seat.interactive else PlainLines()
    async with open_conversation(anton.world, sessions, name, spec, screen.hear, [screen.see]) as talk:
        screen.say(
            f"Conversation {name} about {talk.state.received.repository}. /help says what you can type."
        )
        await Chat(seat, anton, talk, screen, keyboard, sessions).carry_on()
    screen.say(f"Go on with: anton chat --resume {name}")


@dataclass(slots=True)
class Screen:
    """What the person sees: text as it streams, a card for each call, in order."""

    console: Console
    questions: asyncio.Queue[Question] = field(default_factory=asyncio.Queue)
    """That nobody has been asked yet."""
    _within_line: bool = False

    def say(self, text: str) -> None:
        """A line of Anton's own, or several."""
        self._end_line()
        self.console.print(visible(text)[0], markup=False, highlight=False, soft_wrap=True)

    def show(self, picture: RenderableType) -> None:
        """Something with colours."""
        self._end_line()
        self.console.print(picture)

    def hear(self, item: StreamItem) -> None:
        """A piece of a reply."""
        match item:
            case TextDelta(text) if text:
                self.console.print(visible(text)[0], end="", markup=False, highlight=False, soft_wrap=True)
                self._within_line = not text.endswith("\n")
            case StreamRestarted():
                self.say(f"(the reply was cut and is asked for again: {item.reason})")

    def see(self, entry: Entry, state: RunState) -> None:  # noqa: ARG002 - a watcher's signature
        """Something was written down."""
        match entry.event:
            case ToolStarted(name=name, summary=summary):
                self.say(f"● {name} {summary}")
            case TurnEnded(results=results):
                for result in results:
                    lines = result.text.splitlines()
                    more = [f"… {len(lines) - RESULT_LINES} more lines"] if len(lines) > RESULT_LINES else []
                    mark = "✗ " if result.failed else ""
                    self.say("\n".join(f"  {mark}{line}" for line in (*lines[:RESULT_LINES], *more)))
            case AgentEnded(outcome=outcome, detail=detail) if outcome is not AgentOutcome.ANSWERED:
                self.say(f"anton: no answer: {detail}")
            case QuestionAsked(question=question):
                self.questions.put_nowait(question)

    def _end_line(self) -> None:
        if self._within_line:
            self._within_line = False
            self.console.print()


@dataclass(frozen=True, slots=True)
class Chat:
    """One conversation in front of a person."""

    seat: Seat
    anton: Anton
    talk: Conversation
    screen: Screen
    keyboard: Keyboard
    sessions: Journal

    async def carry_on(self) -> None:
        """Until the person leaves."""
        if self.talk.interrupted:
            self.screen.say("The last answer was interrupted; it goes on.")
            await self._heard(self.talk.go_on())
        while (line := await self.keyboard.line("you > ")) is not None:
            word, _, rest = line.strip().partition(" ")
            if word == EXIT:
                return
            if word.startswith("/"):
                await self._command(word, rest.strip())
            elif line.strip():
                await self._heard(self.talk.say(line.strip()))

    async def _command(self, word: str, rest: str) -> None:
        if word not in COMMANDS:
            self.screen.say(f"There is no {word}. There are: {', '.join((*COMMANDS, EXIT))}")
            return
        try:
            await COMMANDS[word].act(self, rest)
        except (UsageError, OutsideError) as error:
            self.screen.say(f"anton: {error}")

    async def _heard(self, answer: Awaitable[None]) -> None:
        """Wait for an answer, and put the questions that come up meanwhile."""
        async with self._asking():
            await answer
        self.screen.say("")

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        with unwrapped():
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(self._ask(), name="questions of the conversation")
                try:
                    yield
                finally:
                    asking.cancel()

    async def _ask(self) -> None:
        while True:
            question = await self.screen.questions.get()
            self.screen.show(question_card(question))
            word = ""
            while word not in ("y", "n"):
                line = await self.keyboard.line("y or n, with a reason if you like > ")
                word, _, reason = ("n" if line is None else line).strip().partition(" ")
            if question in self.talk.state.open_questions:
                await self.talk.answer(question, self.anton.user, allowed=word == "y", text=reason.strip())


async def _help(chat: Chat, rest: str) -> None:  # noqa: ARG001 - a command's signature
    chat.screen.say("\n".join(f"{name:<11}{command.text}" for name, command in COMMANDS.items()))
    chat.screen.say(f"{EXIT:<11}leave; the conversation is kept")


async def _oncall(chat: Chat, rest: str) -> None:
    run_id, repository = new_run_id(), Path(chat.talk.state.received.repository)
    try:
        ticket = ticket_from_text(rest, key=f"BUG-{run_id}")
    except ValueError as error:
        raise UsageError(f"say what the bug is: /oncall TEXT ({error})") from error
    await receive(chat.anton.world, run_id, received_of(chat.anton, ticket, repository))
    chat.screen.say(f"Taken in as run {run_id}. Have it worked on with: anton resume {run_id}")


async def _diff(chat: Chat, rest: str) -> None:  # noqa: ARG001 - a command's signature
    diff = await chat.talk.diff()
    if diff:
        chat.screen.show(diff_view(diff))
    else:
        chat.screen.say("Nothing was changed.")


async def _save(chat: Chat, rest: str) -> None:
    diff, path = await chat.talk.diff(), Path(rest)
    if not rest or not diff:
        raise UsageError(
            "say where to: /save FILE" if not rest else "nothing was changed, so nothing is saved"
        )
    try:
        await asyncio.to_thread(_write_new, path, diff)
    except OSError as error:
        raise UsageError(f"the patch cannot be written to {rest!r}: {error.strerror}") from error
    chat.screen.say(f"The patch is in {path}. Take it with: git apply {path}")


def _write_new(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="") as file:
        file.write(text)


async def _tools(chat: Chat, rest: str) -> None:  # noqa: ARG001 - a command's signature
    tools = chat.talk.agent.tools.values()
    chat.screen.say("\n".join(f"{tool.spec.name:<12}{tool.spec.reach.value}" for tool in tools))


async def _approval(chat: Chat, rest: str) -> None:  # noqa: ARG001 - a command's signature
    chat.screen.say(f"{chat.anton.world.policy.value}: what that allows is in docs/permissions.md")


async def _model(chat: Chat, rest: str) -> None:  # noqa: ARG001 - a command's signature
    chat.screen.say(chat.anton.world.model.name)


async def _stats(chat: Chat, rest: str) -> None:  # noqa: ARG001 - a command's signature
    state = chat.talk.agent.log.state
    cost = f"${state.cost_dollars:.4f}" if state.cost_known else "cost not known"
    usage = state.usage
    chat.screen.say(
        f"{state.turn} replies · {usage.input_tokens:,} tokens in ({usage.cached_tokens:,} cached), "
        f"{usage.output_tokens:,} out · {cost}"
    )


async def _config(chat: Chat, rest: str) -> None:  # noqa: ARG001 - a command's signature
    settings = await asyncio.to_thread(chat.seat.compose.settings, chat.seat.wish)
    chat.screen.show(
        settings_table([(each.key, each.value, each.origin) for each in settings if each.is_set])
    )


async def _mcp(chat: Chat, rest: str) -> None:  # noqa: ARG001 - a command's signature
    chat.screen.show(mcp_page(await chat.anton.tool_servers.listed()))


async def _clear(chat: Chat, rest: str) -> None:  # noqa: ARG001 - a command's signature
    chat.screen.console.clear()


async def _list(chat: Chat, rest: str) -> None:  # noqa: ARG001 - a command's signature
    chat.screen.say("\n".join(await listed_sessions(chat.sessions)))


@dataclass(frozen=True, slots=True)
class Command:
    """Something other than words to the agent."""

    text: str
    act: Callable[[Chat, str], Awaitable[None]]


COMMANDS: Mapping[str, Command] = {
    "/help": Command("this list", _help),
    "/oncall": Command("TEXT: take in a bug as anton fix does", _oncall),
    "/diff": Command("what was changed so far", _diff),
    "/save": Command("FILE: write that as a patch", _save),
    "/tools": Command("the agent's tools and how far each reaches", _tools),
    "/config": Command("what is set, and where that was said", _config),
    "/approval": Command("the policy in force", _approval),
    "/model": Command("the model in use", _model),
    "/stats": Command("replies, tokens and cost of this conversation", _stats),
    "/mcp": Command("the MCP servers and their tools", _mcp),
    "/sessions": Command("all conversations", _list),
    "/clear": Command("clear the screen; the conversation stays", _clear),
}
