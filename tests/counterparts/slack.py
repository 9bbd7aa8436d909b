"""A small stateful Slack: posts, edits, threads and windows, and the faults that a real one has."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from tests.counterparts.weather import Weather

TOKEN, APP_TOKEN = "xoxb-test", "xapp-test"
CHANNEL, CHANNEL_ID = "oncall", "C0123"

Fault = Literal["down_before", "down_after", "rate_limited"] | str
"""Down before or after the call was carried out, told to wait, or an error that Slack answers with."""


@dataclass
class Slack:
    """What was posted, and what goes wrong next."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    windows: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    faults: deque[tuple[str, Fault]] = field(default_factory=deque)
    """Method and fault; the first is taken by the first call of that method."""
    said: list[dict[str, Any]] = field(default_factory=list)
    """What only the person saw who pressed a button."""
    socket: web.WebSocketResponse | None = None
    """Of Socket Mode, once a client has connected."""
    heard: dict[str, Any] = field(default_factory=dict)
    """Envelope id → what the client answered by Socket Mode."""
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    scopes: set[str] = field(default_factory=lambda: {"chat:write", "channels:history"})
    url: str = ""
    _clock: int = 0

    def roots(self) -> list[dict[str, Any]]:
        """Messages of the channel that are in no thread."""
        return [message for message in self.messages if "thread_ts" not in message]

    def replies(self) -> list[dict[str, Any]]:
        """Messages in threads."""
        return [message for message in self.messages if "thread_ts" in message]

    @property
    def response_url(self) -> str:
        """Where a word goes that only one person is to see."""
        return self.url.replace("/api/", "/respond")

    async def respond(self, request: web.Request) -> web.Response:
        """A word for whoever pressed a button."""
        self.said.append(await request.json())
        return web.json_response({"ok": True})

    async def listen(self, request: web.Request) -> web.WebSocketResponse:
        """A client of Socket Mode."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.socket = socket
        await socket.send_json({"type": "hello", "num_connections": 1})
        self.connected.set()
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                answer = json.loads(message.data)
                self.heard[answer["envelope_id"]] = answer.get("payload")
                self.answered.set()
        return socket

    async def push(self, kind: str, payload: dict[str, Any], envelope: str) -> Any:
        """Send something by Socket Mode; returns what the client answers."""
        await self.connected.wait()
        assert self.socket is not None
        self.answered.clear()
        await self.socket.send_json(
            {"type": kind, "envelope_id": envelope, "accepts_response_payload": True, "payload": payload}
        )
        while envelope not in self.heard:
            await self.answered.wait()
            self.answered.clear()
        return self.heard[envelope]

    async def handle(self, request: web.Request) -> web.Response:
        """One call of the Web API."""
        method = request.match_info["method"]
        self.calls.append(method)
        fault = self.faults.popleft()[1] if self.faults and self.faults[0][0] == method else ""
        if fault == "rate_limited":
            return web.json_response(
                {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "0"}
            )
        if fault == "down_before":
            return web.Response(status=503, text="upstream connect error")
        if request.headers.get("Authorization") not in (f"Bearer {TOKEN}", f"Bearer {APP_TOKEN}"):
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if fault and fault != "down_after":
            return web.json_response({"ok": False, "error": fault})
        answer = self._answer(method, await _body(request))
        if fault == "down_after":
            return web.Response(status=502, text="bad gateway")
        return web.json_response(answer)

    def _answer(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "auth.test": lambda _: {
                "ok": True,
                "user": "anton",
                "team": "Acme",
                "team_id": "T1",
                "bot_id": "B1",
            },
            "chat.postMessage": self._post,
            "chat.postEphemeral": lambda _: {"ok": True},
            "chat.update": self._update,
            "conversations.history": lambda body: self._read(body, self.roots()),
            "conversations.replies": lambda body: self._read(
                body, [m for m in self.messages if body["ts"] in (m["ts"], m.get("thread_ts"))]
            ),
            "views.open": self._open,
            "apps.connections.open": lambda _: {
                "ok": True,
                "url": f"ws://{urlsplit(self.url).netloc}/socket",
            },
        }
        carry_out = answers.get(method)
        return carry_out(body) if carry_out else {"ok": False, "error": "unknown_method"}

    def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["channel"] not in (CHANNEL, CHANNEL_ID):
            return {"ok": False, "error": "channel_not_found"}
        self._clock += 1
        kept: dict[str, Any] = {
            key: body[key] for key in ("text", "blocks", "metadata", "thread_ts") if key in body
        }
        self.messages.append({"ts": f"4102444800.{self._clock:06}", **kept})
        return {"ok": True, "channel": CHANNEL_ID, "ts": self.messages[-1]["ts"]}

    def _update(self, body: dict[str, Any]) -> dict[str, Any]:
        for message in self.messages:
            if message["ts"] == body["ts"] and body["channel"] == CHANNEL_ID:
                message.update({key: body[key] for key in ("text", "blocks", "metadata") if key in body})
                message["edited"] = message.get("edited", 0) + 1
                return {"ok": True, "channel": CHANNEL_ID, "ts": body["ts"]}
        return {"ok": False, "error": "message_not_found"}

    def _read(self, body: dict[str, Any], messages: list[dict[str, Any]]) -> dict[str, Any]:
        if "channels:history" not in self.scopes:
            return {"ok": False, "error": "missing_scope"}
        if body["channel"] != CHANNEL_ID:
            return {"ok": False, "error": "channel_not_found"}
        return {"ok": True, "messages": messages}

    def _open(self, body: dict[str, Any]) -> dict[str, Any]:
        self.windows.append(body["view"] if isinstance(body["view"], dict) else json.loads(body["view"]))
        return {"ok": True, "view": {"id": "V1"}}


async def _body(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        body: dict[str, Any] = await request.json()
        return body
    return dict(await request.post())


@asynccontextmanager
async def slack_server(weather: Weather | None = None) -> AsyncIterator[Slack]:
    """A Slack on loopback; `url` is what a client takes as its base."""
    slack, weather = Slack(), weather or Weather()
    application = web.Application(middlewares=weather.middlewares)
    application.router.add_post("/api/{method}", slack.handle)
    application.router.add_post("/respond", slack.respond)
    application.router.add_get("/socket", slack.listen)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    port = await weather.listen(runner)
    slack.url = f"http://127.0.0.1:{port}/api/"
    try:
        yield slack
    finally:
        await runner.cleanup()
