"""What becomes of an agent by what its person does besides talking."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from anton.core.turning import CheckpointMade, CheckpointRestored, ModelChosen, PolicyChosen, Turning

if TYPE_CHECKING:  # the state is folded with this
    from anton.core.agent import AgentState


def turned(state: AgentState, event: Turning) -> AgentState:
    """The state after one more event; going back to a checkpoint that there is none of changes nothing."""
    match event:
        case CheckpointMade():
            others = {name: mark for name, mark in state.marks.items() if name != event.name}
            return replace(state, marks=MappingProxyType({**others, event.name: state}))
        case CheckpointRestored():
            return _taken_back(state, event.name)
        case ModelChosen():
            return replace(state, chosen_model=event.model)
        case PolicyChosen():
            return replace(state, chosen_policy=event.policy)


def _taken_back(state: AgentState, name: str) -> AgentState:
    """All that the model knows is as it was; what was spent, asked and chosen since stays."""
    mark = state.marks.get(name)
    if mark is None:
        return state
    return replace(
        mark,
        model=state.model,
        turn=state.turn,
        questions=state.questions,
        answers=state.answers,
        asked_before=len(state.questions),
        answered_before=len(state.answers),
        usage=state.usage,
        cost_dollars=state.cost_dollars,
        cost_known=state.cost_known,
        marks=state.marks,
        chosen_model=state.chosen_model,
        chosen_policy=state.chosen_policy,
    )
