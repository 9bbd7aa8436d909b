"""Every step of a run, as one frozen event. The journal holds these and nothing else.

Events are named in the past tense: something happened, it was written down, and only then may it be seen.
Every event has a literal `kind`, by which `codec` reads it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from anton.core.briefing import Briefing
from anton.core.consent import Consent, named
from anton.core.message import ToolCall, Usage
from anton.core.proof import Cell, Proof
from anton.core.question import LetterRefused, QuestionAnswered, QuestionAsked
from anton.core.suite_options import SuiteOptions
from anton.core.ticket import Ticket
from anton.core.tool import ToolResult
from anton.core.turning import Turning
from anton.core.work import WorkStarted, WorkStopped


class AgentOutcome(StrEnum):
    """How an agent's stint ended."""

    SUBMITTED = "submitted"
    ANSWERED = "answered"
    """A conversation waits for the person's next word."""
    TURN_LIMIT = "turn_limit"
    TIMED_OUT = "timed_out"
    IDLE = "idle"
    LOOPING = "looping"
    INTERRUPTED = "interrupted"
    """By the person of a conversation."""
    FAILED = "failed"


class Source(StrEnum):
    """Who a note is from."""

    TRIAGE = "triage"
    CODE = "code"
    TEST = "test"
    PROOF = "proof"
    PERSON = "person"
    ANTON = "anton"


@dataclass(frozen=True, slots=True)
class Note:
    """A message to a running agent, read between its turns."""

    source: Source
    text: str

    def as_prompt(self) -> str:
        """The note as the model reads it."""
        return f'<note from="{self.source}">\n{self.text}\n</note>'


@dataclass(frozen=True, slots=True)
class RunReceived:
    """A ticket was taken in; the run exists from here on."""

    ticket: Ticket
    repository: str
    """Absolute path of the local git repository."""
    base_ref: str
    """Branch, tag or commit to base the fix on; empty for what is checked out."""
    remote: str
    """Where the branch will be pushed: an absolute path or a URL; empty for the repository's own `origin`."""
    reports: str
    """Absolute path of the folder that the incident report goes under."""
    requested_by: str
    """Their identity, see `core.person`."""
    rounds: int = 2
    """Attempts before a red proof is put before a person."""
    kind: Literal["run_received"] = "run_received"


@dataclass(frozen=True, slots=True)
class BaseResolved:
    """The commit that everything is based on is known and kept."""

    commit: str
    tree: str
    branch: str
    subject: str
    remote: str
    """Where the branch will be pushed."""
    notices: tuple[str, ...] = ()
    """Sentences for the person, such as that uncommitted changes are not looked at."""
    suite: SuiteOptions | None = None
    """How the tests are run in this run; None in journals from before it was written down."""
    remote_head: str | None = None
    """What the branch was at the remote then; empty where it had none, None where that could not be told."""
    ticket: Ticket | None = None
    """As its tracker has it now; None where that is what was received, or could not be told."""
    ticket_seen: str = ""
    """What told its text from any other then; empty where its tracker could not tell."""
    checks: str = ""
    """What continuous integration said of the commit then, in a few words; empty where it said nothing."""
    kind: Literal["base_resolved"] = "base_resolved"


@dataclass(frozen=True, slots=True)
class AgentStarted:
    """An agent got its opening."""

    agent: str
    model: str
    system: str
    opening: str
    tools: tuple[str, ...]
    kind: Literal["agent_started"] = "agent_started"


@dataclass(frozen=True, slots=True)
class NotePosted:
    """A note lies in an agent's inbox."""

    agent: str
    note: Note
    kind: Literal["note_posted"] = "note_posted"


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The model is being asked."""

    agent: str
    turn: int
    notes_read: int = 0
    """How many notes, oldest first, this turn brings before the agent."""
    kind: Literal["turn_started"] = "turn_started"


@dataclass(frozen=True, slots=True)
class ReplyReceived:
    """The model's whole reply; it is paid for."""

    agent: str
    turn: int
    text: str
    calls: tuple[ToolCall, ...]
    usage: Usage
    cost_dollars: float | None
    """None where the model's price is not known."""
    model: str
    finish_reason: str
    seconds: float
    """From the request to the reply's end."""
    restarts: int = 0
    """How often the stream had to be asked for again."""
    instead_of: str = ""
    """The model that was asked for, where it gave no reply and `model` stood in for it."""
    kind: Literal["reply_received"] = "reply_received"


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A call is being carried out."""

    agent: str
    turn: int
    call_id: str
    name: str
    summary: str
    """The call in a few words, for a person."""
    kind: Literal["tool_started"] = "tool_started"


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """Every call of the reply is answered, and the worktree is kept as it was then."""

    agent: str
    turn: int
    results: tuple[ToolResult, ...]
    checkpoint: str | None
    """Git tree of the worktree as it was kept last; None where none was."""
    submission: str | None
    """JSON of the output if the turn handed one in."""
    seconds: float
    kind: Literal["turn_ended"] = "turn_ended"


@dataclass(frozen=True, slots=True)
class ConversationCompressed:
    """An agent's conversation was made to fit its model's context."""

    agent: str
    cut: int
    """Messages before this one, system prompt and opening aside, were compressed."""
    summary: str
    """In the model's words; empty where long results of tools were left out instead."""
    usage: Usage = Usage()
    cost_dollars: float | None = 0.0
    model: str = ""
    seconds: float = 0.0
    kind: Literal["conversation_compressed"] = "conversation_compressed"


@dataclass(frozen=True, slots=True)
class AgentEnded:
    """The agent rests; a note wakes it."""

    agent: str
    outcome: AgentOutcome
    output: str | None
    """JSON of the output type; only with SUBMITTED."""
    detail: str = ""
    """Why, for a person; with INTERRUPTED, what had come of the reply until then."""
    kind: Literal["agent_ended"] = "agent_ended"


class HookMoment(StrEnum):
    """When programs of the operator are told of an agent."""

    BEFORE_AGENT = "before_agent"
    AFTER_AGENT = "after_agent"
    BEFORE_TOOL = "before_tool"
    AFTER_TOOL = "after_tool"
    ON_ERROR = "on_error"


@dataclass(frozen=True, slots=True)
class HookFailed:
    """A program of the operator did not do what it was there for; the run goes on."""

    agent: str
    """Whom it was told of."""
    moment: HookMoment
    command: str
    """The program, as the settings name it."""
    detail: str
    kind: Literal["hook_failed"] = "hook_failed"


@dataclass(frozen=True, slots=True)
class ProofStarted:
    """The agents' work was harvested and is being executed."""

    round: int
    kind: Literal["proof_started"] = "proof_started"


@dataclass(frozen=True, slots=True)
class CellFinished:
    """One cell of the matrix was filled."""

    cell: Cell
    kind: Literal["cell_finished"] = "cell_finished"


@dataclass(frozen=True, slots=True)
class ProofFinished:
    """The matrix is filled and judged."""

    proof: Proof
    kind: Literal["proof_finished"] = "proof_finished"


@dataclass(frozen=True, slots=True)
class RoundStarted:
    """The agents go back to work, each with the notes that were posted to it."""

    round: int
    reason: Literal["proof", "person"]
    kind: Literal["round_started"] = "round_started"


@dataclass(frozen=True, slots=True)
class BriefingPrepared:
    """A person is asked to decide."""

    briefing: Briefing
    kind: Literal["briefing_prepared"] = "briefing_prepared"


class Verb(StrEnum):
    """What a person can answer to a briefing."""

    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Decided:
    """A person answered."""

    verb: Verb
    by: str
    """Their identity, see `core.person`."""
    digest: str
    """Of the briefing that was decided on."""
    text: str = ""
    """What should change, or why it was declined."""
    override: bool = False
    """The person approved a proof that is not green, and said so explicitly."""
    person: str = ""
    """Their name in the rules; empty where they decide because the machine is theirs."""
    kind: Literal["decided"] = "decided"

    @property
    def who(self) -> str:
        """The person, for a person."""
        return named(self.person, self.by)


@dataclass(frozen=True, slots=True)
class MessageShown:
    """The run's message in the chat says where the run stood."""

    message: str
    """The message's name, see `ports.Chat`."""
    number: int
    """Of the last event that it takes into account."""
    kind: Literal["message_shown"] = "message_shown"


@dataclass(frozen=True, slots=True)
class StepDelivered:
    """One outside effect of the approval is done."""

    step: str
    result: str
    """What a person follows up: a commit, a URL, a path."""
    kind: Literal["step_delivered"] = "step_delivered"


class RunOutcome(StrEnum):
    """How a run ended."""

    DELIVERED = "delivered"
    DECLINED = "declined"
    UNUSABLE = "unusable"
    """The repository's suite cannot be run, so nothing can be proved."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RunClosed:
    """The run is over."""

    outcome: RunOutcome
    detail: str = ""
    kind: Literal["run_closed"] = "run_closed"


AgentEvent = (
    AgentStarted
    | NotePosted
    | TurnStarted
    | ReplyReceived
    | ToolStarted
    | TurnEnded
    | ConversationCompressed
    | QuestionAsked
    | QuestionAnswered
    | HookFailed
    | Turning
    | AgentEnded
)

Event = (
    RunReceived
    | BaseResolved
    | AgentEvent
    | ProofStarted
    | CellFinished
    | ProofFinished
    | RoundStarted
    | BriefingPrepared
    | Consent
    | Decided
    | LetterRefused
    | MessageShown
    | StepDelivered
    | WorkStarted
    | WorkStopped
    | RunClosed
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in its place in the journal."""

    run_id: str
    number: int
    """1, 2, 3 … within the run, without gaps."""
    at: datetime
    """Aware, UTC."""
    event: Event
