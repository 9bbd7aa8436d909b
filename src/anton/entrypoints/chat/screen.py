"""What the person of a conversation sees: text as it streams, a card for each call, in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.status import Status
from rich.text import Text

from anton.core.event import AgentEnded, AgentOutcome, Entry, ReplyReceived, ToolStarted, TurnEnded
from anton.core.message import StreamItem, StreamRestarted, TextDelta, ToolCall
from anton.core.question import Question, QuestionAsked
from anton.core.run import RunState
from anton.core.text import visible
from anton.core.tool import ToolResult
from anton.runs.conversation import CUT_SHORT
from anton.views.conversation import Exchange
from anton.views.diff import diff_view
from anton.views.palette import ACCENT, BAD, FAILED_SIGN, MUTED, STRONG, WORKING_SIGN

RESULT_LINES = 3
"""Of a tool's result that are shown."""
OUTPUT_LINES = 12
"""Of a command's, its last line aside, which says how it ended."""
COMMAND_LINES = 8
"""Of a command itself."""
DIFF_LINES = 40
"""Of what a turn changed."""
ANSWER_LINES = 12
"""Of an answer that is shown again."""
SHELL = "shell"
CHANGING = frozenset({"edit_file", "write_file", "apply_patch"})
"""Tools whose results the diff says better."""


@dataclass(slots=True)
class Screen:
    """One terminal, or a file."""

    console: Console
    questions: asyncio.Queue[Question] = field(default_factory=asyncio.Queue)
    """That nobody has been asked yet."""
    _calls: dict[str, ToolCall] = field(default_factory=dict)
    """Of the reply that is carried out."""
    _diffs: list[str] = field(default_factory=list)
    _within_line: bool = False
    _thinking: Status | None = None

    @contextmanager
    def answering(self) -> Iterator[None]:
        """While an answer is waited for, a terminal shows that it is."""
        self._think()
        try:
            yield
        finally:
            self._end_line()

    def say(self, text: str, style: str = "") -> None:
        """A line of Anton's own, or several."""
        self._end_line()
        self.console.print(
            visible(text)[0], style=style or None, markup=False, highlight=False, soft_wrap=True
        )

    def show(self, picture: RenderableType) -> None:
        """Something with colours."""
        self._end_line()
        self.console.print(picture)

    def hear(self, item: StreamItem) -> None:
        """A piece of a reply."""
        match item:
            case TextDelta(text) if text:
                self._stop_thinking()
                self.console.print(visible(text)[0], end="", markup=False, highlight=False, soft_wrap=True)
                self._within_line = not text.endswith("\n")
            case StreamRestarted():
                self.say(f"(the reply was cut and is asked for again: {item.reason})", MUTED)

    def changed(self, diff: str) -> None:
        """The turn under way has changed files; shown with its results."""
        self._diffs.append(diff)

    def see(self, entry: Entry, state: RunState) -> None:  # noqa: ARG002 - a watcher's signature
        """Something was written down."""
        match entry.event:
            case ReplyReceived(calls=calls):
                self._calls = {call.id: call for call in calls}
            case ToolStarted():
                self._show_call(entry.event)
            case TurnEnded(results=results) if results:
                self._show_results(results)
                self._think()
            case AgentEnded(outcome=outcome, detail=detail):
                if outcome not in (AgentOutcome.ANSWERED, AgentOutcome.INTERRUPTED):
                    self.say(f"anton: no answer: {detail}", BAD)
            case QuestionAsked(question=question):
                self.questions.put_nowait(question)

    def replay(self, exchanges: tuple[Exchange, ...]) -> None:
        """Show again what was said last."""
        for exchange in exchanges:
            self.say(f"you > {_shortened(exchange.said, ANSWER_LINES)}", MUTED)
            self.say(_shortened(exchange.answer or "(no answer)", ANSWER_LINES), MUTED)

    def _show_call(self, started: ToolStarted) -> None:
        card = Text.assemble((f"{WORKING_SIGN} ", ACCENT), (started.name, STRONG))
        command = _command(self._calls.get(started.call_id)) if started.name == SHELL else ""
        if "\n" in command or len(command) > len(started.summary):
            card.append("\n" + _indented(f"$ {_shortened(command, COMMAND_LINES)}"))
        elif started.summary:
            card.append(f" {visible(started.summary)[0]}")
        self._end_line()
        self.console.print(card, highlight=False, soft_wrap=True)

    def _show_results(self, results: tuple[ToolResult, ...]) -> None:
        for result in results:
            named = f"{result.name}: " if len(results) > 1 else ""
            mark = f"{FAILED_SIGN} " if result.failed else ""
            self.say(_indented(f"{mark}{named}{_told(result)}"), BAD if result.failed else MUTED)
        for diff in self._diffs:
            rows = diff_view(diff).split("\n")
            shown = Text("\n").join(rows[:DIFF_LINES])
            if len(rows) > DIFF_LINES:
                shown.append(f"\n… {len(rows) - DIFF_LINES} more lines: /diff shows all", MUTED)
            self.show(Padding(shown, (0, 0, 0, 2)))
        self._calls, self._diffs = {}, []

    def _think(self) -> None:
        if self.console.is_terminal and self._thinking is None:
            self._thinking = self.console.status(Text("thinking; Ctrl-C interrupts", MUTED))
            self._thinking.start()

    def _stop_thinking(self) -> None:
        if self._thinking is not None:
            self._thinking.stop()
            self._thinking = None

    def _end_line(self) -> None:
        self._stop_thinking()
        if self._within_line:
            self._within_line = False
            self.console.print()


def _told(result: ToolResult) -> str:
    if result.text == CUT_SHORT:
        return "interrupted"
    if result.name == SHELL:
        *printed, end = result.text.splitlines() or [""]
        return "\n".join([*_cut(printed, OUTPUT_LINES), end])
    if result.name in CHANGING and not result.failed:
        return result.text.partition("\n")[0]
    return _shortened(result.text, RESULT_LINES)


def _shortened(text: str, most: int) -> str:
    return "\n".join(_cut(text.splitlines(), most))


def _cut(lines: list[str], most: int) -> Iterator[str]:
    shown = len(lines) if len(lines) == most + 1 else most  # a notice takes a line, too
    yield from lines[:shown]
    if len(lines) > shown:
        yield f"… {len(lines) - shown} more lines"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in visible(text)[0].splitlines())


def _command(call: ToolCall | None) -> str:
    """The command line of a call; the shell itself refuses one that has none."""
    try:
        arguments = json.loads(call.arguments) if call else None
    except (ValueError, RecursionError):
        arguments = None
    command = arguments.get("command") if isinstance(arguments, dict) else None
    return command if isinstance(command, str) else ""
