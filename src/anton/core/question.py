"""What an agent, or a permission, asks a person while the run goes on, and what is written down of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

MAX_QUESTION_CHARACTERS = 600
"""One short question; a person is woken for it."""
MAX_QUESTIONS = 3
"""Of one agent in one run; what it does not know then, it decides itself."""
MAX_CALLS_REFUSED = 8
"""Of one agent in one run, or for one answer in a conversation; nobody is asked about another then.

Who is asked on and on says yes one day.
"""
MAX_CALL_CHARACTERS = 10_000
"""Of a call that a person is asked about: what cannot be shown whole is not asked about, and not made."""


@dataclass(frozen=True, slots=True)
class Question:
    """Put to the person in Slack, on the page and in the terminal."""

    id: str
    """`q1`, `q2`, … within the run."""
    agent: str
    """Who asks."""
    text: str
    call: str = ""
    """The exact call that would be made, where the question is whether it may be; empty for any other."""
    reason: str = ""
    """Why the call is not simply made."""
    expires_at: datetime | None = None
    """Aware, UTC. From then on nobody is waited for: a call is not made, an agent goes on unanswered."""

    @property
    def is_permission(self) -> bool:
        """Whether it is answered with yes or no."""
        return bool(self.call)


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """A person is asked something while the run goes on."""

    agent: str
    question: Question
    kind: Literal["question_asked"] = "question_asked"


@dataclass(frozen=True, slots=True)
class QuestionAnswered:
    """A question is settled: by a person, or because nobody answered in time."""

    agent: str
    question: str
    """Its id."""
    by: str
    """Who answered; empty where nobody did."""
    text: str
    allowed: bool | None = None
    """Whether the call may be made; None where nothing was to be allowed."""
    kind: Literal["question_answered"] = "question_answered"


@dataclass(frozen=True, slots=True)
class LetterRefused:
    """Somebody's word to the run came too late, or could not be heeded; it was put on record instead."""

    letter: str
    """Its id."""
    by: str
    reason: str
    """For the one who wrote it."""
    kind: Literal["letter_refused"] = "letter_refused"
