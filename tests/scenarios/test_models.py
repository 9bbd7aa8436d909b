"""A whole run with several models: one of an agent's own, which is gone, and one that stands in for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from rich.console import Console, RenderableType

from anton.adapters.model.fallback import FallbackModel
from anton.adapters.model.scripted import ScriptedModel
from anton.core.errors import ModelError
from anton.core.message import StreamItem, Usage
from anton.core.run import Phase
from anton.ports import ModelRequest
from anton.runs.runner import advance
from anton.views.lanes import lanes
from anton.views.runs import run_page
from tests.office import HONEST, QUICK_COMMAND, QUICK_FILES, RUN, Office


class Priced(ScriptedModel):
    """An endpoint that charges a dollar for each reply of one model, ten for another, and has no third."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        if request.model == "gone":
            raise ModelError("no model 'gone' here")
        async for item in super().stream(request):
            yield item

    def cost_dollars(self, model: str, usage: Usage) -> float | None:
        return {"usual": 1.0, "other": 10.0}.get(model)


def shown(view: RenderableType) -> str:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(view)
    return capture.get()


async def test_a_run_goes_on_with_another_model_and_says_so_and_pays_its_price(tmp_path: Path) -> None:
    place = Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND)
    place.specs = tuple(replace(spec, model="gone") if spec.name == "code" else spec for spec in place.specs)
    model = FallbackModel(Priced(HONEST, name="usual"), [Priced(HONEST, name="other")])
    await place.receive()
    state = await advance(place.world(model), RUN)
    assert (state.phase, state.proof and state.proof.green) == (Phase.DECIDING, True)
    code, test = state.agents["code"], state.agents["test"]
    assert (code.model, code.stand_in, code.cost_dollars) == ("gone", "other", 30.0)
    assert (test.model, test.stand_in, test.cost_dollars) == ("usual", "", 4.0)
    live = shown(lanes(state, place.clock()))
    assert "usual, gone, other · " in live
    page = shown(run_page(state, await place.journal.read(RUN)))
    assert page.count("other answers in place of gone") == 3
    assert page.count("started with gone") == 1
