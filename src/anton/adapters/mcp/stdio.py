"""MCP over a child's stdin and stdout, one JSON message a line.

The library's own transport gives a server part of Anton's environment, keeps a line of any length, and logs
what is no message; here the environment is what the operator lists, and both are bounded.

Source: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio
"""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import anyio
import mcp_types as types
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage

from anton.adapters.mcp.server import Program
from anton.adapters.mcp.talk import Talk
from anton.core.text import one_line
from anton.system.child import child
from anton.system.descriptors import DrainedPipe

MAX_MESSAGE_BYTES = 8_000_000
"""Of one line; a server that sends a longer one is ended."""
MAX_GARBAGE_LINES = 200
"""Lines that are no message, such as a greeting; a server that sends more of them is ended."""
MAX_ERROR_BYTES = 2_000
"""Of what it writes to stderr that are kept, to say why it ended."""
GRACE_SECONDS = 1.0
"""From closing its stdin until it is killed."""
_CHUNK_BYTES = 1 << 16


@asynccontextmanager
async def program_transport(
    program: Program, talk: Talk, ended: Callable[[], None]
) -> AsyncIterator[TransportStreams]:
    """The two streams of a server that runs for as long as the block.

    Args:
        program: What to start.
        talk: Filled as the server talks.
        ended: Called once it says nothing more.

    Raises:
        OSError: it could not be started.
        ValueError: a NUL is in a word.
    """
    with DrainedPipe(MAX_ERROR_BYTES) as errors:
        talk.errors = errors.kept
        argv = _dying_with_this(program.argv)
        env, cwd, stderr = program.env, program.cwd, errors.writing
        async with child(*argv, env=env, cwd=cwd, stdin=PIPE, stdout=PIPE, stderr=stderr) as process:
            errors.hand_over()
            arriving, inbox = anyio.create_memory_object_stream[SessionMessage | Exception](0)
            outbox, leaving = anyio.create_memory_object_stream[SessionMessage](0)
            async with inbox, outbox, anyio.create_task_group() as group:
                group.start_soon(_read, process, arriving, talk, ended)
                group.start_soon(_write, process, leaving)
                try:
                    yield inbox, outbox
                finally:
                    with anyio.CancelScope(shield=True):
                        await _part(process)
                    group.cancel_scope.cancel()


def _dying_with_this(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The same command, killed by the kernel when this process is, where util-linux can ask for it."""
    setpriv = shutil.which("setpriv", path="/usr/bin:/bin")
    return (setpriv, "--pdeathsig", "KILL", "--", *argv) if setpriv else argv


async def _part(process: Process) -> None:
    """Close its stdin, which tells a server to end, and wait a moment; what is left of it is killed later."""
    if process.stdin is not None:
        process.stdin.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE_SECONDS):
            await process.wait()


async def _read(
    process: Process,
    arriving: ObjectSendStream[SessionMessage | Exception],
    talk: Talk,
    ended: Callable[[], None],
) -> None:
    """Hand over each message until the server ends, breaks a limit, or nobody listens any more."""
    stdout = process.stdout
    if stdout is None:
        raise RuntimeError("the server was started without a pipe from its stdout")
    line = bytearray()
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
        async with arriving:
            while not talk.broken and (chunk := await stdout.read(_CHUNK_BYTES)):
                first, *others = chunk.split(b"\n")
                line += first
                for begun in others:
                    if (message := _message(bytes(line), talk)) is not None:
                        await arriving.send(message)
                    line = bytearray(begun)
                if len(line) > MAX_MESSAGE_BYTES:
                    talk.broken = f"it sent a message of more than {MAX_MESSAGE_BYTES:,} bytes"
    ended()


def _message(line: bytes, talk: Talk) -> SessionMessage | None:
    """The message that a line is; None for an empty line and for what is no message."""
    if not line.strip():
        return None
    if len(line) > MAX_MESSAGE_BYTES:
        talk.broken = f"it sent a message of more than {MAX_MESSAGE_BYTES:,} bytes"
        return None
    try:
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        talk.garbage = talk.garbage or one_line(line[:200].decode("utf-8", "replace"))
        talk.garbage_lines += 1
        if talk.garbage_lines > MAX_GARBAGE_LINES:
            talk.broken = f"it wrote more than {MAX_GARBAGE_LINES} lines that are no message"
        return None


async def _write(process: Process, leaving: ObjectReceiveStream[SessionMessage]) -> None:
    """Send each message; a server that takes none any more is noticed by the reader."""
    stdin = process.stdin
    if stdin is None:
        raise RuntimeError("the server was started without a pipe to its stdin")
    async with leaving:
        async for message in leaving:
            text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            stdin.write(text.encode("utf-8", "replace") + b"\n")
            with suppress(ConnectionError):
                await stdin.drain()
