"""Making a conversation fit its model's context, so that an agent can go on for as long as it may."""

from __future__ import annotations

import time
from dataclasses import dataclass

from anton.core.context import ASK, cut_point, size_of, thinned
from anton.core.errors import ModelError
from anton.core.event import ConversationCompressed
from anton.core.message import Message, ReplyEnded, StreamRestarted, TextDelta, UserMessage
from anton.core.text import sayable
from anton.core.tool import ToolSpec
from anton.engine.log import AgentLog
from anton.ports import Model, ModelRequest


@dataclass(frozen=True, slots=True)
class Compaction:
    """Compresses one agent's conversation."""

    agent: str
    log: AgentLog
    model: Model
    tools: tuple[ToolSpec, ...]
    model_name: str | None
    reasoning_effort: str | None
    """As in every other question, since some models read it before the conversation."""

    async def compress(self, cut: int) -> None:
        """Have the model write down what came before the cut; where it cannot, leave out old tool output."""
        started = time.monotonic()
        try:
            summary, ended = await self._summary(self.log.state.messages[:cut])
        except ModelError:
            await self.log.append(ConversationCompressed(self.agent, cut, ""))
            return
        await self.log.append(
            ConversationCompressed(
                agent=self.agent,
                cut=cut,
                summary=summary,
                usage=ended.usage,
                cost_dollars=self.model.cost_dollars(ended.model, ended.usage),
                model=ended.model,
                seconds=time.monotonic() - started,
            )
        )

    async def thin(self) -> bool:
        """Leave out old tool output without asking anybody; False where that would not help."""
        state = self.log.state
        cut = cut_point(state.messages, state.measure, state.measure.estimate(state.messages))
        if cut is None or size_of(thinned(state.messages, cut)) == size_of(state.messages):
            return False
        await self.log.append(ConversationCompressed(self.agent, cut, ""))
        return True

    async def _summary(self, messages: tuple[Message, ...]) -> tuple[str, ReplyEnded]:
        request = ModelRequest(
            self.agent,
            (*messages, UserMessage(ASK)),
            self.tools,
            self.model_name,
            reasoning_effort=self.reasoning_effort,
        )
        text: list[str] = []
        async for item in self.model.stream(request):
            match item:
                case TextDelta():
                    text.append(item.text)
                case StreamRestarted():
                    text = []
                case ReplyEnded():
                    summary = sayable("".join(text)).strip()
                    if not summary:
                        raise ModelError(f"{self.model.name} wrote no summary")
                    return summary, item
                case _:
                    pass  # a call, which it was asked not to make and which is not carried out
        raise ModelError(f"{self.model.name} ended its summary without saying so")
