"""Figures read as a person would write them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anton.core.event import Entry
from anton.core.proof import Case, Outcome
from anton.core.run import fold
from anton.views.figures import agent_cost, cost, count, duration, models, money, tally, tokens

Run = tuple[Entry, ...]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0:00"), (-3, "0:00"), (7.9, "0:07"), (725, "12:05"), (3_723, "1:02:03")]
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_counts_money_and_tokens() -> None:
    assert [count(n, "test") for n in (0, 1, 2, 1_200)] == ["no tests", "1 test", "2 tests", "1,200 tests"]
    assert [money(m) for m in (0.0312, 12.4)] == ["$0.0312", "$12.40"]
    assert [tokens(t) for t in (940, 12_400, 999_949, 999_950)] == ["940", "12.4k", "999.9k", "1.0M"]


def test_a_tally_names_the_worst_first() -> None:
    cases = [Case("a", Outcome.PASSED), Case("b", Outcome.ERROR), Case("c", Outcome.FAILED)]
    assert tally(cases) == "1 broken, 1 failed, 1 passed"
    assert tally([]) == "no tests"


def test_cost_says_where_it_is_free_known_and_unknown(green: Run, midway: Run, untested: Run) -> None:
    assert cost(fold(green)) == "free (recording)"
    assert cost(fold(midway)) == "$0.0242"
    assert cost(fold(untested)) == "cost unknown: no price for model small-coder"
    assert agent_cost(fold(untested).agents["code"]) == "unknown"


def test_models_are_those_that_agents_started_with_and_those_that_stand_in(midway: Run) -> None:
    state = fold(midway)
    started = models(state)
    agents = {**state.agents, "code": replace(state.agents["code"], stand_in="other")}
    assert models(replace(state, agents=agents)) == (*started, "other")


def test_an_unknown_price_is_that_of_the_model_that_answered(untested: Run) -> None:
    state = fold(untested)
    agents = {name: replace(agent, stand_in="other") for name, agent in state.agents.items()}
    assert cost(replace(state, agents=agents)) == "cost unknown: no price for model other"
