"""What a person says to a run while somebody else works on it.

A run is worked on by one process, and only that one writes its events. Whoever else has something to say to
it leaves a letter in the journal; the process at work writes the events that it amounts to, and in the same
transaction the letter is gone. Where nobody is at work, the one who wrote it takes it at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class QuestionReply:
    """The answer to a question of an agent, or to whether a call may be made."""

    question: str
    """Id of the question."""
    text: str
    allowed: bool | None = None
    """Whether the call may be made; None where nothing was to be allowed."""
    kind: Literal["question_reply"] = "question_reply"


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop working on the run and close it; nothing of it has left the machine."""

    reason: str = ""
    kind: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True)
class Word:
    """Something the agents at work should know; it reaches them as a note."""

    text: str
    kind: Literal["word"] = "word"


Message = QuestionReply | Cancel | Word


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to a run, from somebody."""

    id: str
    """Chosen by whoever writes it; a letter with the same id is the same letter and is kept once."""
    run_id: str
    by: str
    """Who says it, such as `slack:T1/U42` or a name at the terminal."""
    at: datetime
    """Aware, UTC."""
    message: Message
