"""An agent's questions to a person: those of its own, and whether a call of its may be made.

A question is in the journal before anybody sees it. A turn that is carried out again after a crash finds its
questions there, and asks none twice.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from anton.core.errors import ToolError
from anton.core.question import (
    MAX_CALL_CHARACTERS,
    MAX_CALLS_REFUSED,
    MAX_QUESTION_CHARACTERS,
    MAX_QUESTIONS,
    Question,
    QuestionAnswered,
    QuestionAsked,
)
from anton.core.text import sayable, visible
from anton.engine.limit import standing_still
from anton.engine.person import Leave
from anton.runs.log import Clock, RunLog

WHETHER = "May this call be made?"


@dataclass(frozen=True, slots=True)
class Asking:
    """One agent's way to a person; an `engine.person.Person`."""

    log: RunLog
    agent: str
    clock: Clock
    seconds: float
    """How long an answer to whether a call may be made is waited for; 0: it is not asked."""
    conversing: bool = False
    """With that very person, whose every word begins the count of refusals anew."""
    _used: set[str] = field(default_factory=set)
    """Ids of questions that a call of this process stands behind."""

    @property
    def there(self) -> bool:
        """Whether a person is asked before a call."""
        return self.seconds > 0

    async def ask(self, text: str) -> str:
        """Ask a question of the agent's own; it is answered by a note, and not waited for.

        Raises:
            ToolError: it is empty, too long, or one too many.
        """
        said = visible(text)[0].strip()
        if not said or len(said) > MAX_QUESTION_CHARACTERS:
            raise ToolError(
                f"the question has {len(said)} characters; ask one question of 1 to {MAX_QUESTION_CHARACTERS}"
            )
        question = self._asked_before_a_crash(said, "")
        if question is None:
            if len(self._own()) >= MAX_QUESTIONS:
                raise ToolError(
                    f"you have asked {MAX_QUESTIONS} questions, which is all you have. Decide yourself, and "
                    "say in your result what you took for granted"
                )
            question = Question(self._next_id(), self.agent, said)
            await self._put(question)
        self._used.add(question.id)
        return (
            f"Asked as {question.id}. Go on meanwhile as you think best; if an answer comes, it is a note to "
            "you. Do not wait for it: you may submit, and an answer that comes while your colleagues still "
            "work wakes you."
        )

    async def leave(self, call: str, reason: str) -> Leave:
        """Ask whether a call may be made, and wait for the answer."""
        call = sayable(call)
        if len(call) > MAX_CALL_CHARACTERS:
            limit = f"{MAX_CALL_CHARACTERS:,}"
            return Leave(given=False, reason=f"longer than {limit} characters, it cannot be shown to anybody")
        question = self._asked_before_a_crash(WHETHER, call)
        if question is None:
            if self._refused() >= MAX_CALLS_REFUSED:
                reason = f"{MAX_CALLS_REFUSED} calls of yours were not allowed, so nobody is asked any more"
                return Leave(given=False, reason=reason)
            expires_at = self.clock() + timedelta(seconds=self.seconds)
            question = Question(self._next_id(), self.agent, WHETHER, call, reason, expires_at)
            await self._put(question)
        self._used.add(question.id)
        with standing_still():
            return await self._answer_to(question)

    async def _answer_to(self, question: Question) -> Leave:
        name, due = question.id, question.expires_at or self.clock()
        try:
            async with asyncio.timeout(max(0.0, (due - self.clock()).total_seconds())):
                await self.log.until(lambda state: state.answer_to(name) is not None)
        except TimeoutError:
            if self.log.state.answer_to(name) is None:
                await self.log.append(QuestionAnswered(self.agent, name, "", "", allowed=False))
        await self.log.append()  # the answer is on disk before anything comes of it
        answer = self.log.state.answer_to(name)
        if answer is None or not answer.by:
            return Leave(given=False, reason=f"asked as {name}, nobody answered in time")
        said = f": {answer.text}" if answer.text else ""
        return Leave(bool(answer.allowed), f"{answer.by} says {'yes' if answer.allowed else 'no'}{said}")

    def _own(self) -> tuple[Question, ...]:
        asked = self.log.agent(self.agent).state.questions
        return tuple(question for question in asked if not question.is_permission)

    def _refused(self) -> int:
        state = self.log.agent(self.agent).state
        since = state.answered_before if self.conversing else 0
        return sum(answer.allowed is False for answer in state.answers[since:])

    def _asked_before_a_crash(self, text: str, call: str) -> Question | None:
        """The question of the turn under way that this process has not come to yet."""
        state = self.log.agent(self.agent).state
        return next(
            (
                question
                for question in state.questions[state.asked_before :]
                if (question.text, question.call) == (text, call) and question.id not in self._used
            ),
            None,
        )

    def _next_id(self) -> str:
        return f"q{len(self.log.state.questions) + 1}"

    async def _put(self, question: Question) -> None:
        await self.log.append(QuestionAsked(self.agent, question))
