"""An endpoint of chat completions that plays a script for each agent, as the scripted model does in process.

Whom a request is from is read from the form that it asks to submit; where the agent stands, from the replies
that its conversation holds.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from anton.adapters.model.scripted import Reply, Step
from tests.adapters.model.endpoint import DONE, call, chunk, sse
from tests.counterparts.weather import Weather

KEY = "sk-of-the-counterpart"
FORMS = {"acceptance_criteria": "triage", "covered": "test", "how_to_verify": "pr", "solution": "code"}
"""A field that only one agent's form has, where those before it do not."""


@dataclass
class Scripted:
    """The endpoint, and who asked."""

    script: Mapping[str, Sequence[Step]]
    base_url: str = ""
    asked: list[str] = field(default_factory=list)
    heard: list[tuple[str, str]] = field(default_factory=list)
    """Agent, and the conversation that it sent, as JSON."""

    async def handle(self, request: web.Request) -> web.Response:
        """One turn."""
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"error": {"message": "no such key"}}, status=401)
        body = await request.json()
        agent = _agent(body)
        self.asked.append(agent)
        self.heard.append((agent, json.dumps(body["messages"])))
        turn = sum(message["role"] == "assistant" for message in body["messages"])
        if turn >= len(self.script[agent]):
            return web.json_response({"error": {"message": f"no turn {turn + 1} of {agent}"}}, status=400)
        reply = self.script[agent][turn]
        assert isinstance(reply, Reply)
        return web.Response(body=_streamed(reply, f"{agent}-{turn}"), content_type="text/event-stream")


async def asking(request: web.Request) -> str:
    """Which agent a request is from: all go to one address."""
    return f"POST /chat/completions of {_agent(await request.json())}"


def _agent(body: Mapping[str, Any]) -> str:
    forms = [tool["function"] for tool in body["tools"] if tool["function"]["name"] == "submit"]
    if not forms:
        return "chat"
    fields = forms[0]["parameters"]["properties"]
    return next(agent for name, agent in FORMS.items() if name in fields)


def _streamed(reply: Reply, name: str) -> bytes:
    calls = [
        call(number, f"{name}-{number}", tool, given if isinstance(given, str) else json.dumps(given))
        for number, (tool, given) in enumerate(reply.calls)
    ]
    said = chunk(None, role="assistant", content=reply.text, **({"tool_calls": calls} if calls else {}))
    return sse(said, chunk("tool_calls" if calls else "stop")) + DONE


@asynccontextmanager
async def scripted_endpoint(
    script: Mapping[str, Sequence[Step]], weather: Weather | None = None
) -> AsyncIterator[Scripted]:
    """The endpoint on loopback; `base_url` is what a client takes."""
    endpoint, weather = Scripted(script), weather or Weather()
    application = web.Application(client_max_size=2**26, middlewares=weather.middlewares)
    application.router.add_post("/v1/chat/completions", endpoint.handle)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        endpoint.base_url = f"http://127.0.0.1:{await weather.listen(runner)}/v1"
        yield endpoint
    finally:
        await runner.cleanup()
