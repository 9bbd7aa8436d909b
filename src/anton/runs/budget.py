"""Money and tokens of a run: reserved before each question, so that four agents together cannot overshoot.

    a question reserves   what its conversation is estimated to hold, and the longest answer it may get
    its answer settles    the reservation is replaced by what the provider counted
    a question without    the reservation stays as spent, since it may have been paid; after a crash likewise
    an answer

Spending is read from the journal when a run is taken up, so a budget survives a crash.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from anton.core.agent import principal
from anton.core.context import size_of
from anton.core.errors import ModelError
from anton.core.message import ReplyEnded, StreamItem, Usage
from anton.core.run import RunState
from anton.ports import Model, ModelRequest

WARY_TOKENS_PER_BYTE = 0.5
"""Before a provider has counted anything. English has about 0.25, code 0.3, other scripts up to 0.5."""
MARGIN = 1.1
"""On top of the highest ratio that a provider was seen to count."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits; None where there is none."""

    run_dollars: float | None = None
    run_tokens: int | None = None
    """Input and output of all agents."""
    agent_dollars: float | None = None
    agent_tokens: int | None = None
    max_output_tokens: int = 16_000
    """Of one answer; asked of the provider wherever there is a limit to keep."""
    fallback: tuple[str, ...] = ()
    """Models that may answer in place of the one asked; what is reserved covers the dearest of them."""

    @property
    def limits_anything(self) -> bool:
        """Whether there is a limit to keep."""
        limits = (self.run_dollars, self.run_tokens, self.agent_dollars, self.agent_tokens)
        return any(limit is not None for limit in limits)


class BudgetExhausted(ModelError):
    """The next question could cost more than is left."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Money and tokens together."""

    dollars: float = 0.0
    tokens: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.dollars + other.dollars, self.tokens + other.tokens)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.dollars - other.dollars, self.tokens - other.tokens)


NOTHING = Amount()


@dataclass(slots=True)
class Purse:
    """What the agents of one run have spent and reserved."""

    budget: Budget
    spent: dict[str, Amount] = field(default_factory=dict)
    """By agent, with what its delegates spent; reservations included."""
    tokens_per_byte: float = WARY_TOKENS_PER_BYTE

    def reserve(self, agent: str, amount: Amount) -> None:
        """Set an amount aside.

        Raises:
            BudgetExhausted: a limit would be passed; nothing was set aside.
        """
        budget, own = self.budget, self.spent.get(agent, NOTHING) + amount
        whole = sum(self.spent.values(), NOTHING) + amount
        for what, limit, would_be in (
            ("dollars of the run", budget.run_dollars, whole.dollars),
            ("tokens of the run", budget.run_tokens, whole.tokens),
            (f"dollars of agent {agent!r}", budget.agent_dollars, own.dollars),
            (f"tokens of agent {agent!r}", budget.agent_tokens, own.tokens),
        ):
            if limit is not None and would_be > limit:
                raise BudgetExhausted(
                    f"the budget of {limit:,g} {what} does not allow another question: with it, up to "
                    f"{would_be:,.4g} could be spent. Raise it under [budget] in anton.toml and resume"
                )
        self.spent[agent] = own

    def settle(self, agent: str, reserved: Amount, counted: Amount) -> None:
        """Replace a reservation by what was counted."""
        self.spent[agent] = self.spent.get(agent, NOTHING) - reserved + counted

    def learn(self, size_bytes: int, input_tokens: int) -> None:
        """Correct the estimate by what a provider counted; the highest ratio seen holds."""
        if input_tokens and size_bytes:
            seen = input_tokens / size_bytes * MARGIN
            known = self.tokens_per_byte
            self.tokens_per_byte = seen if known == WARY_TOKENS_PER_BYTE else max(known, seen)


@dataclass(frozen=True, slots=True)
class BudgetedModel:
    """A model that is asked only as long as the run's budget allows it."""

    inner: Model
    purse: Purse

    @property
    def name(self) -> str:
        """The inner model's."""
        return self.inner.name

    def cost_dollars(self, model: str, usage: Usage) -> float | None:
        """The inner model's."""
        return self.inner.cost_dollars(model, usage)

    async def close(self) -> None:
        """Close the inner model."""
        await self.inner.close()

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """The inner model's reply, if the budget allows the question.

        Raises:
            BudgetExhausted: it does not.
            ModelError: the inner model's, or money is limited and the model has no known price.
        """
        asked = replace(request, max_output_tokens=self._longest_answer(request))
        reserved = self._estimate(asked)
        self.purse.reserve(principal(request.agent), reserved)
        async for item in self.inner.stream(asked):
            if isinstance(item, ReplyEnded):
                self._settle(asked, reserved, item)
            yield item

    def _longest_answer(self, request: ModelRequest) -> int:
        own = self.purse.budget.max_output_tokens
        return own if request.max_output_tokens is None else min(own, request.max_output_tokens)

    def _estimate(self, request: ModelRequest) -> Amount:
        """The most that the question can cost, as far as can be told beforehand."""
        tokens = round(_size(request) * self.purse.tokens_per_byte)
        usage = Usage(input_tokens=tokens, output_tokens=request.max_output_tokens or 0)
        may_answer = (request.model or self.name, *self.purse.budget.fallback)
        dollars = max(self._dollars(model, usage) for model in may_answer)
        return Amount(dollars, tokens + usage.output_tokens)

    def _settle(self, request: ModelRequest, reserved: Amount, end: ReplyEnded) -> None:
        usage = end.usage
        if not usage.input_tokens:
            return  # the provider counted nothing: what was reserved is what we know
        self.purse.learn(_size(request), usage.input_tokens)
        counted = Amount(self._dollars(end.model, usage), usage.input_tokens + usage.output_tokens)
        self.purse.settle(principal(request.agent), reserved, counted)

    def _dollars(self, model: str, usage: Usage) -> float:
        price = self.inner.cost_dollars(model, usage)
        budget = self.purse.budget
        if price is None and (budget.run_dollars is not None or budget.agent_dollars is not None):
            raise ModelError(
                f"the budget limits dollars and the price of model {model!r} is not known; set it under "
                "[model.prices] in anton.toml, or limit tokens instead"
            )
        return price or 0.0


def within(budget: Budget, state: RunState, model: Model) -> Model:
    """The model, held to what the run's journal leaves of a budget."""
    if not budget.limits_anything:
        return model
    purse = Purse(budget)
    held = BudgetedModel(model, purse)
    for agent in state.agents.values():
        counted = agent.usage.input_tokens + agent.usage.output_tokens
        payer = principal(agent.name)
        purse.spent[payer] = purse.spent.get(payer, NOTHING) + Amount(agent.cost_dollars, counted)
        if agent.asking:  # cut off before its answer came; it may have been paid
            size = size_of(agent.messages)
            usage = Usage(round(size * purse.tokens_per_byte), 0, budget.max_output_tokens)
            may_answer = (agent.model, *budget.fallback)
            dollars = max(model.cost_dollars(name, usage) or 0.0 for name in may_answer)
            purse.spent[payer] += Amount(dollars, usage.input_tokens + usage.output_tokens)
    return held


def _size(request: ModelRequest) -> int:
    return size_of(request.messages) + sum(len(tool.wire) for tool in request.tools)
