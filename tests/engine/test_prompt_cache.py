"""What a provider's prompt cache needs: each request begins with the bytes of the one before it."""

from __future__ import annotations

from itertools import pairwise

from anton.core.event import Source
from anton.core.tool import Reach
from anton.engine.loop import work
from tests.adapters.model.endpoint import DONE, Answer, call, chunk, client, serving, sse
from tests.engine.bench import STARTED, MemoryLog, agent, probe

END_OF_MESSAGES = b"]}"


def calling(number: int, name: str, arguments: str) -> Answer:
    made = chunk(content=f"Turn {number}.", tool_calls=[call(0, f"c{number}", name, arguments)])
    return Answer(sse(made, chunk("tool_calls")) + DONE)


async def test_a_request_begins_byte_for_byte_with_the_request_before_it() -> None:
    log = MemoryLog(STARTED)

    async def look(arguments: str) -> str:
        log.note(f"Somebody says: é {arguments}", Source.TRIAGE)
        return f"got {arguments}"

    tools = (probe("look", look), probe("change", look, Reach.WRITE))
    answers = (
        calling(1, "look", '{"n": 1}'),
        calling(2, "change", "no JSON"),
        Answer(sse(chunk(content="I only talk."), chunk("stop")) + DONE),
        calling(4, "missing", "{}"),
        calling(5, "submit", '{"answer": "none"}'),
        calling(6, "submit", '{"answer": 42}'),
    )
    async with serving(*answers) as endpoint, client(endpoint) as model:
        await work(agent(model, *tools, log=log))
    assert log.state.output == '{"answer":42}'
    assert len(endpoint.raw) == len(answers)
    for before, after in pairwise(endpoint.raw):
        assert before.endswith(END_OF_MESSAGES)
        assert after.startswith(before.removesuffix(END_OF_MESSAGES) + b",{")
