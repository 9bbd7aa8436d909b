"""A connection to one MCP server; this module imports the protocol's library, so it is imported when needed.

The library's contexts have to be entered and left by one and the same task, so each connection has a task of
its own, which ends when the server does, when a call shows that it is lost, or when it is told to.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import httpx2
from mcp import MCPError
from mcp.client import Client, IncomingMessage, Transport
from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT, Implementation, ToolListChangedNotification

from anton import __version__
from anton.adapters.mcp.content import text_of_result
from anton.adapters.mcp.definition import MAX_DEFINITION_CHARACTERS, Definition
from anton.adapters.mcp.http import endpoint_transport, http_client
from anton.adapters.mcp.server import Answer, Endpoint, Nowhere, Program, Server
from anton.adapters.mcp.stdio import program_transport
from anton.adapters.mcp.talk import Talk
from anton.core.errors import OutsideError, ToolError
from anton.core.text import one_line, without_userinfo

MAX_DEFINITIONS = 2_000
"""Tools that are taken from one server; more are left out."""
MAX_PAGES = 100
"""Of a list of tools."""
CLOSE_SECONDS = 4.0
"""For leaving a server in order."""

# What a server or the way to it can bring about; the library says it with these, alone or in a group.
_FAILURES = (
    *(MCPError, httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError),
    *(OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError),
    *(anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream),
)
# Its log of a server's misbehaviour would go to the terminal.
for _name in ("mcp", "httpx2"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


async def connect(server: Server, group: asyncio.TaskGroup) -> Connection:
    """Reach a server.

    Args:
        server: Which.
        group: Where the connection's own task lives; it raises nothing of the server's doing there.

    Raises:
        OutsideError: it is out of reach, is no MCP server, or took too long.
    """
    connection = Connection(server)
    group.create_task(connection.live(), name=f"MCP server {server.name}")
    try:
        await connection.ready
    except asyncio.CancelledError:
        connection.close()
        raise
    return connection


class Connection:
    """The `Link` of a server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._client: Client | None = None
        self._ending = asyncio.Event()
        self._scope: anyio.CancelScope | None = None
        self._changed = False
        self._talk = Talk()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def alive(self) -> bool:
        """It has not ended."""
        return self._client is not None and not self._ending.is_set()

    def take_change(self) -> bool:
        """Whether the server has said since this was last asked that its tools are others now."""
        changed, self._changed = self._changed, False
        return changed

    def close(self) -> None:
        """Have it end soon."""
        self._ending.set()
        if self._client is None and self._scope is not None:  # it is still being made
            self._scope.cancel()

    async def live(self) -> None:
        """The connection's whole life, for its own task."""
        failure = ""
        # One scope around all: its deadline is that of connecting, then none, then that of parting.
        with anyio.CancelScope(deadline=anyio.current_time() + self._server.connect_seconds) as scope:
            self._scope = scope
            try:
                async with self._opened() as client:
                    self._client, scope.deadline = client, float("inf")
                    if not self.ready.done():
                        self.ready.set_result(None)
                    await self._ending.wait()
                    scope.deadline = anyio.current_time() + CLOSE_SECONDS
            except (*_FAILURES, ExceptionGroup) as error:
                failure = _reason(error)
            finally:
                self._ending.set()
                self._client = self._scope = None
        if not self.ready.done():
            failure = failure or f"it had not answered after {self._server.connect_seconds:g} s"
            self.ready.set_exception(OutsideError(self._sentence("cannot be reached", failure)))

    async def definitions(self) -> tuple[Definition, ...]:
        """All tools that the server offers now; one with a definition beyond all measure is left out."""
        found: dict[str, Definition] = {}
        cursor: str | None = None
        try:
            async with asyncio.timeout(self._server.connect_seconds):
                for _ in range(MAX_PAGES):
                    page = await self._reached().list_tools(cursor=cursor)
                    for tool in page.tools:
                        found.setdefault(
                            tool.name, Definition(tool.name, tool.description or "", tool.input_schema)
                        )
                    cursor = page.next_cursor
                    if cursor is None or len(found) >= MAX_DEFINITIONS:
                        break
        except TimeoutError as error:
            raise self._lost("did not list its tools in time", "") from error
        except (*_FAILURES, ExceptionGroup) as error:
            raise self._lost("did not list its tools", _reason(error)) from error
        return tuple(each for each in list(found.values())[:MAX_DEFINITIONS] if _measured(each))

    async def call(self, tool: str, arguments: Mapping[str, object]) -> Answer:
        """Call a tool, for at most the server's time limit.

        Raises:
            ToolError: the server refused the call.
            OutsideError: the server failed, and the connection is ended.
        """
        seconds = self._server.seconds
        try:
            result = await self._reached().call_tool(tool, dict(arguments), read_timeout_seconds=seconds)
            return Answer(text_of_result(result), result.is_error)
        except MCPError as error:
            if error.code == REQUEST_TIMEOUT:
                raise self._lost(f"had not answered {one_line(tool)!r} after {seconds:g} s", "") from error
            if error.code == CONNECTION_CLOSED or not self.alive:
                await anyio.lowlevel.checkpoint()  # for what it wrote last
                raise self._lost(f"ended during the call of {one_line(tool)!r}", _reason(error)) from error
            raise ToolError(
                f"the MCP server {self._server.name!r} refused the call, in words from outside: "
                f"{_reason(error)}"
            ) from error
        except (*_FAILURES, ExceptionGroup) as error:
            raise self._lost(f"failed in the call of {one_line(tool)!r}", _reason(error)) from error

    def _reached(self) -> Client:
        if self._client is None:
            raise anyio.ClosedResourceError
        return self._client

    def _lost(self, what: str, why: str) -> OutsideError:
        self.close()
        return OutsideError(self._sentence(what, why))

    def _sentence(self, what: str, why: str) -> str:
        reasons = "; ".join(filter(None, (why, self._talk.why())))
        return f"the MCP server {self._server.name!r} {what}" + (f": {reasons}" if reasons else "")

    async def _hear(self, message: IncomingMessage) -> None:
        self._changed |= isinstance(message, ToolListChangedNotification)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Client]:
        async with AsyncExitStack() as stack:
            match self._server.address:
                case Program() as program:
                    transport: Transport = program_transport(program, self._talk, self._ending.set)
                case Endpoint() as endpoint:
                    limits = (self._server.connect_seconds, self._server.seconds)
                    web = http_client(endpoint, self._talk, *limits)
                    if not endpoint.events:  # the transport of events closes it itself
                        await stack.enter_async_context(web)
                    transport = endpoint_transport(endpoint, web)
                case Nowhere(reason):
                    raise ValueError(reason)
            me = Implementation(name="anton", version=__version__)
            # Nothing is answered but calls: no sampling, no questions to a person, no folders.
            client = Client(transport, client_info=me, cache=None, message_handler=self._hear)
            yield await stack.enter_async_context(client)


def _measured(definition: Definition) -> bool:
    try:
        return len(definition.text) <= MAX_DEFINITION_CHARACTERS
    except (ValueError, RecursionError):
        return False


def _reason(error: BaseException) -> str:
    """The first failure in words; what the library calls it where it has none."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    words = without_userinfo(one_line(str(error)))[:400]
    return words or type(error).__name__
