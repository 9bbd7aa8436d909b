"""Money and tokens: reserved before a question, settled after it, kept across a crash."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anton.adapters.model.fallback import FallbackModel
from anton.adapters.model.scripted import Refuse, Reply, ScriptedModel, Silence
from anton.core.agent import AgentState
from anton.core.errors import ModelError, OutsideError
from anton.core.event import RunReceived
from anton.core.message import SystemMessage, Usage, UserMessage
from anton.core.run import Phase, RunState
from anton.ports import Model, ModelRequest
from anton.runs.budget import NOTHING, Amount, Budget, BudgetedModel, BudgetExhausted, Purse, within
from anton.runs.runner import advance
from tests.office import HONEST, QUICK_COMMAND, QUICK_FILES, RUN, TICKET, Office


class PricedModel(ScriptedModel):
    """A scripted model at a dollar per million tokens of input and ten of output."""

    def cost_dollars(self, model: str, usage: Usage) -> float | None:
        return None if model == "unpriced" else (usage.input_tokens + 10 * usage.output_tokens) / 1_000_000


def request(agent: str = "code", size: int = 1_000) -> ModelRequest:
    return ModelRequest(agent, (SystemMessage("s"), UserMessage("x" * size)), ())


async def ask(model: Model, asked: ModelRequest) -> None:
    async for _ in model.stream(asked):
        pass


def replies(count: int, usage: Usage = Usage(500, 0, 100)) -> dict[str, list[Reply]]:
    return {"code": [Reply("x", usage=usage)] * count, "test": [Reply("x", usage=usage)] * count}


async def test_an_answer_settles_what_was_reserved() -> None:
    purse = Purse(Budget(run_tokens=20_000))
    await ask(BudgetedModel(PricedModel(replies(1)), purse), request())
    assert purse.spent == {"code": Amount(0.0015, 600)}


@pytest.mark.parametrize(
    ("budget", "named"),
    [
        (Budget(run_tokens=16_000), "tokens of the run"),
        (Budget(agent_tokens=16_000), "tokens of agent 'code'"),
        (Budget(run_dollars=0.1), "dollars of the run"),
        (Budget(agent_dollars=0.1), "dollars of agent 'code'"),
    ],
)
async def test_a_question_that_could_pass_a_limit_is_not_asked(budget: Budget, named: str) -> None:
    model = PricedModel(replies(1))
    with pytest.raises(BudgetExhausted, match=named):
        await ask(BudgetedModel(model, Purse(budget)), request())
    assert model.requests == []


async def test_agents_side_by_side_cannot_overshoot_together() -> None:
    """Both questions fit alone; the second is refused while the first is still unanswered."""
    model = PricedModel({"code": [Silence()], "test": [Reply("x")]})
    held = BudgetedModel(model, Purse(Budget(run_tokens=20_000)))
    async with asyncio.TaskGroup() as group:
        first = group.create_task(ask(held, request("code")))
        while not model.requests:  # noqa: ASYNC110 - the model has no event to wait for
            await asyncio.sleep(0)
        with pytest.raises(BudgetExhausted):
            await ask(held, request("test"))
        first.cancel()
    assert held.purse.spent["code"].tokens > 16_000, "an unanswered question may have been paid"


async def test_the_longest_answer_is_asked_of_the_provider() -> None:
    model = PricedModel(replies(1))
    await ask(BudgetedModel(model, Purse(Budget(run_tokens=20_000, max_output_tokens=700))), request())
    assert model.requests[0].max_output_tokens == 700


async def test_the_estimate_follows_what_the_provider_counts() -> None:
    purse = Purse(Budget(run_tokens=10_000_000))
    held = BudgetedModel(PricedModel(replies(2, Usage(250, 0, 10))), purse)
    asked = request()
    await ask(held, asked)
    size = sum(len(message.wire) for message in asked.messages)
    assert purse.tokens_per_byte == pytest.approx(250 / size * 1.1)


async def test_a_provider_that_counts_nothing_leaves_the_reservation() -> None:
    purse = Purse(Budget(run_tokens=20_000))
    await ask(BudgetedModel(PricedModel(replies(1, Usage())), purse), request())
    assert purse.spent["code"].tokens > 16_000


async def test_money_cannot_be_limited_without_a_price() -> None:
    model = BudgetedModel(PricedModel(replies(1), name="unpriced"), Purse(Budget(run_dollars=1.0)))
    with pytest.raises(ModelError, match="price of model 'unpriced' is not known"):
        await ask(model, request())


class TwoPrices(PricedModel):
    """A second model costs five times as much."""

    def cost_dollars(self, model: str, usage: Usage) -> float | None:
        cost = super().cost_dollars(model, usage)
        return cost if cost is None or model != "dear" else 5 * cost


async def test_what_is_reserved_covers_the_dearest_model_that_may_answer() -> None:
    model = TwoPrices(replies(1))
    await ask(BudgetedModel(model, Purse(Budget(run_dollars=0.2))), request())
    with pytest.raises(BudgetExhausted, match="dollars of the run"):
        await ask(BudgetedModel(model, Purse(Budget(run_dollars=0.2, fallback=("dear",)))), request())
    with pytest.raises(ModelError, match="price of model 'unpriced' is not known"):
        await ask(BudgetedModel(model, Purse(Budget(run_dollars=0.2, fallback=("unpriced",)))), request())


async def test_an_answer_is_settled_at_the_price_of_the_model_that_gave_it() -> None:
    first = TwoPrices({"code": [Refuse("no credit")]}, name="cheap")
    other = TwoPrices(replies(1), name="dear")
    purse = Purse(Budget(run_dollars=9.0, fallback=("dear",)))
    await ask(BudgetedModel(FallbackModel(first, [other]), purse), request())
    assert purse.spent["code"].dollars == pytest.approx(0.0075)


async def test_without_a_limit_nothing_is_wrapped() -> None:
    model = PricedModel(replies(1))
    state = office_state(Path("/nonexistent"))
    assert within(Budget(), state, model) is model


def office_state(folder: Path) -> RunState:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    received = RunReceived(TICKET, str(folder), "", "", "", "tester")
    agents = {
        "code": AgentState("code", usage=Usage(900, 0, 100), cost_dollars=0.5),
        "test": AgentState("test", messages=(UserMessage("x" * 100),), asking=True),
    }
    return RunState(RUN, received, Phase.WORKING, at, at, agents=agents)


async def test_what_the_journal_says_was_spent_is_spent_after_a_crash() -> None:
    state = office_state(Path("/nonexistent"))
    held = within(Budget(run_tokens=100_000), state, PricedModel(replies(1)))
    assert isinstance(held, BudgetedModel)
    assert held.purse.spent["code"] == Amount(0.5, 1_000)
    assert held.purse.spent["test"].tokens > 16_000, "cut off while it was asking"
    assert sum(held.purse.spent.values(), NOTHING).tokens < 100_000


async def test_a_run_out_of_budget_stops_and_goes_on_when_it_is_raised(tmp_path: Path) -> None:
    office = Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND)
    await office.receive()
    poor = office.world(PricedModel(HONEST), budget=Budget(run_tokens=20_000))
    with pytest.raises(OutsideError, match=r"Raise it under \[budget\]"):
        await advance(poor, RUN)
    state = await advance(office.world(PricedModel(HONEST), budget=Budget(run_tokens=1_000_000)), RUN)
    assert state.phase is Phase.DECIDING
    assert state.proof is not None
    assert state.proof.green
