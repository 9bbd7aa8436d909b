"""A model behind any endpoint that speaks chat completions.

The body of a request is joined from the bytes that each message and tool carries: nothing of the history is
encoded again, so a turn costs the same early and late, and a provider's prompt cache sees the same prefix.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

import aiohttp
from pydantic_core import from_json
from yarl import URL

from anton.adapters.model.assembly import ReplyAssembly
from anton.adapters.model.event_stream import EventStream
from anton.adapters.model.prices import Price, price_of
from anton.adapters.model.refusal import Asked, PassingError, Patience
from anton.core.errors import ModelError
from anton.core.message import StreamItem, StreamRestarted, Usage
from anton.ports import ModelRequest

MAX_ANSWER_BYTES = 16_000_000
"""Of an answer in one piece, before it is decoded."""
MAX_REFUSAL_BYTES = 64_000
CONNECT_SECONDS = 15.0
DRAIN_SECONDS = 0.2
"""For what may follow `[DONE]`: reading it lets the connection serve the next turn as well."""


@dataclass(frozen=True, slots=True)
class _Dialect:
    """What a model's endpoint does not understand, learned from its refusals."""

    stream_options: bool = True
    reasoning_effort: bool = True
    limit: str = "max_tokens"

    def after(self, status: int, said: bytes) -> _Dialect:
        """The dialect to go on with after a refusal; the same where that taught nothing."""
        if status not in {400, 422}:
            return self
        if self.stream_options and b"stream_options" in said:
            return replace(self, stream_options=False)
        if self.reasoning_effort and b"reasoning_effort" in said:
            return replace(self, reasoning_effort=False)
        if self.limit == "max_tokens" and b"max_completion_tokens" in said:
            return replace(self, limit="max_completion_tokens")
        return self


class ChatCompletionsModel:
    """Streams replies from `{base_url}/chat/completions`.

    Args:
        base_url: of the endpoint, usually ending in `/v1`; a query is kept.
        api_key: sent as a bearer token; empty for none.
        model: asked for where a request names no other.
        idle_seconds: without a single byte, after which a stream counts as cut.
        patience: how often and how long to wait when the endpoint refuses for now.
        prices: by the beginning of a model's name; they come before the built-in table.

    Raises:
        ModelError: address or key cannot be used at all.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        model: str,
        *,
        idle_seconds: float = 60.0,
        patience: Patience | None = None,
        prices: Mapping[str, Price] | None = None,
    ) -> None:
        self._url = _endpoint(base_url)
        self._key = _usable(api_key)
        self._model = model
        self._idle_seconds = idle_seconds
        self._patience = patience or Patience()
        self._prices = dict(prices or {})
        self._dialects: dict[str, _Dialect] = {}
        self._session: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        """The model's name as it was configured."""
        return self._model

    @property
    def address(self) -> str:
        """Where it asks, without user, password and query."""
        return str(self._url.with_user(None).with_query(None).with_fragment(None))

    def cost_dollars(self, model: str, usage: Usage) -> float | None:
        """What a reply cost by the configured prices or the built-in table; None where neither knows."""
        price = price_of(model, self._prices)
        return price.cost_dollars(usage) if price else None

    async def close(self) -> None:
        """Let go of all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """Ask, and ask again while there is hope; each repeat is announced by a StreamRestarted.

        Raises:
            ModelError: refused for good, or no whole reply within the attempts allowed.
        """
        repeat = 0
        while True:
            try:
                async with aclosing(self._ask(request)) as batches:
                    async for batch in batches:
                        for item in batch:
                            yield item
            except PassingError as passing:
                repeat += 1
                wait = self._wait_before(repeat, passing)
                yield StreamRestarted(str(passing), repeat, wait)
            else:
                return
            await self._patience.sleep(wait)

    def _wait_before(self, repeat: int, passing: PassingError) -> float:
        patience, asked_for = self._patience, passing.wait_seconds
        if repeat > patience.repeats:
            raise ModelError(
                f"no reply after {repeat} attempts; the last: {passing}. "
                "Try again later, or set BASE_URL and MODEL."
            ) from passing
        wait = patience.wait_seconds(repeat, asked_for)
        if wait is None:
            raise ModelError(
                f"{passing}. It asks to come back in {asked_for:.0f} s, which is too long to wait. "
                "Try again later, or set BASE_URL and MODEL."
            ) from passing
        return wait

    async def _ask(self, request: ModelRequest) -> AsyncGenerator[list[StreamItem]]:
        """One attempt: the items of a whole reply, in batches as they arrive."""
        model = request.model or self._model
        asked = Asked(self.address, model, self._key)
        assembly = ReplyAssembly(request.messages, model)
        try:
            async with await self._post(request, model, asked) as response:
                if _is_json(response):
                    chunks = _whole_answer(response, asked)
                else:
                    chunks = _streamed_answer(response, assembly, asked)
                async with aclosing(chunks):
                    async for batch in chunks:
                        items = [item for chunk in batch for item in assembly.take(chunk)]
                        if items:
                            yield items
        except PassingError:
            if not assembly.finish_reason:  # else the reply is whole, and only its token counts are missing
                raise
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if not assembly.finish_reason:
                raise _connection_lost(asked, error) from error
        yield assembly.end()

    async def _post(self, request: ModelRequest, model: str, asked: Asked) -> aiohttp.ClientResponse:
        """The answer to the request once it is a 200."""
        while True:
            dialect = self._dialects.get(model, _Dialect())
            body = io.BytesIO(_body(request, model, dialect))
            response = await self._open_session().post(self._url, data=body, allow_redirects=False)
            if response.status == 200:
                return response
            async with response:
                said = await _read(response, MAX_REFUSAL_BYTES)
            learned = dialect.after(response.status, said)
            if learned == dialect:
                raise asked.refusal(response.status, response.headers, said, self._patience.now())
            self._dialects[model] = learned

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            self._session = aiohttp.ClientSession(
                headers=headers,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=CONNECT_SECONDS, sock_read=self._idle_seconds
                ),
            )
        return self._session


async def _streamed_answer(
    response: aiohttp.ClientResponse, assembly: ReplyAssembly, asked: Asked
) -> AsyncGenerator[list[dict[str, object]]]:
    """The chunks of a stream up to `[DONE]` or its end.

    Raises:
        ModelError: the endpoint put an error into the stream.
        PassingError: the stream ended before the reply was whole.
    """
    if response.content_type == "text/html":
        said = asked.words(await _read(response, MAX_REFUSAL_BYTES))
        raise ModelError(
            f"{asked.url} answered with a web page: check BASE_URL (most end in /v1). It said: {said}"
        )
    events = EventStream()
    async for piece in response.content.iter_any():
        if found := events.feed(piece):
            chunks, done = _decode(found, asked)
            yield chunks
            if done:
                await _drain(response)
                return
    chunks, done = _decode(events.end(), asked)
    yield chunks
    if not done and not assembly.finish_reason:
        raise PassingError(
            f"{asked.url} ended the stream of model {asked.model!r} before the reply was whole"
        )


async def _whole_answer(
    response: aiohttp.ClientResponse, asked: Asked
) -> AsyncGenerator[list[dict[str, object]]]:
    """The one chunk of an answer that was not streamed, as some endpoints cannot."""
    text = await _read(response, MAX_ANSWER_BYTES)
    chunk = _decode_chunk(text, asked)
    if not chunk.get("choices"):
        raise ModelError(
            f"{asked.url} answered without any choice: check BASE_URL and MODEL. It said: {asked.words(text)}"
        )
    yield [chunk]


def _decode(events: list[bytes], asked: Asked) -> tuple[list[dict[str, object]], bool]:
    """Chunks, and whether `[DONE]` came."""
    chunks: list[dict[str, object]] = []
    for data in events:
        if data.strip() == b"[DONE]":
            return chunks, True
        if data:
            chunks.append(_decode_chunk(data, asked))
    return chunks, False


def _decode_chunk(data: bytes, asked: Asked) -> dict[str, object]:
    try:
        value = from_json(data)
    except ValueError:
        value = _decode_leniently(data, asked)
    if not isinstance(value, dict):
        return {}
    if error := value.get("error"):
        raise asked.broken_off(error if isinstance(error, dict) else str(error))
    return value


def _decode_leniently(data: bytes, asked: Asked) -> object:
    """Half a surrogate pair is no JSON to a strict reader, yet endpoints cut emoji in two."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise PassingError(
            f"{asked.url} sent something that is not JSON: {asked.words(data[:1000])}"
        ) from error


async def _drain(response: aiohttp.ClientResponse) -> None:
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in response.content.iter_any():
                pass
    except (aiohttp.ClientError, TimeoutError):
        response.close()


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    pieces: list[bytes] = []
    room = max_bytes
    async for piece in response.content.iter_any():
        pieces.append(piece[:room])
        room -= len(pieces[-1])
        if room == 0:
            break
    return b"".join(pieces)


def _body(request: ModelRequest, model: str, dialect: _Dialect) -> bytes:
    """The messages come last: what a conversation grows by is then all that differs from the turn before."""
    parts = [b'{"model":', json.dumps(model).encode(), b',"stream":true']
    if dialect.stream_options:
        parts.append(b',"stream_options":{"include_usage":true}')
    if request.max_output_tokens is not None:
        parts.append(f',"{dialect.limit}":{request.max_output_tokens}'.encode())
    if request.reasoning_effort is not None and dialect.reasoning_effort:
        parts += [b',"reasoning_effort":', json.dumps(request.reasoning_effort).encode()]
    if request.tools:
        parts += [b',"tools":[', b",".join([tool.wire for tool in request.tools]), b"]"]
    parts += [b',"messages":[', b",".join([message.wire for message in request.messages]), b"]}"]
    return b"".join(parts)


def _usable(api_key: str) -> str:
    key = api_key.strip()
    if not key.isprintable() or " " in key:
        raise ModelError("API_KEY holds a space, a line break or another invisible character. Set it again.")
    return key


def _endpoint(base_url: str) -> URL:
    try:
        base = URL(base_url.strip())
    except ValueError as error:
        raise ModelError(
            f"BASE_URL is not an address: {error}. Set it to something like https://host/v1"
        ) from error
    if base.scheme not in {"http", "https"} or not base.host:
        raise ModelError("BASE_URL is not an http or https address. Set it to something like https://host/v1")
    path = base.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        path += "/chat/completions"
    return base.with_path(path, keep_query=True)


def _is_json(response: aiohttp.ClientResponse) -> bool:
    return response.content_type == "application/json"


def _connection_lost(asked: Asked, error: Exception) -> ModelError:
    if isinstance(error, aiohttp.InvalidURL):
        return ModelError(f"BASE_URL cannot be asked: {asked.url}")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return ModelError(
            f"the certificate of {asked.url} is not trusted: check BASE_URL, or install its authority here"
        )
    if isinstance(error, aiohttp.ServerTimeoutError):
        return PassingError(f"{asked.url} stayed silent while model {asked.model!r} was asked")
    said = asked.words((str(error) or type(error).__name__).encode())
    return PassingError(f"the connection to {asked.url} for model {asked.model!r} failed: {said}")
