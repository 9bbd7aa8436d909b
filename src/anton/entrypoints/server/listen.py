"""Listens, until it is told to end: checks first, binds first, and says in one sentence what is wrong."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import uvicorn
from fastapi import FastAPI

from anton.core.errors import UsageError
from anton.entrypoints.server.patience import HurriedProtocol

MOST_CONNECTIONS = 1_000
"""At once; whoever comes then is answered 503."""
GRACE_SECONDS = 3
"""For answers under way, once the server is told to end."""
BACKLOG = 1_024
SHORTEST_TOKEN = 16
"""Of one that other machines can try."""


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none: a signal cancels the task that serves, see `serve`."""
        yield


def is_own(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_open(host: str, tokens: Collection[str]) -> None:
    """Refuse to be reached by other machines without a token that somebody chose, or with one to be guessed.

    Raises:
        UsageError: the address is not this machine's own, and no token is set, or a short one.
    """
    if is_own(host):
        return
    if any(len(token) < SHORTEST_TOKEN for token in tokens):
        raise UsageError(
            f"other machines can reach {host!r}, and ANTON_API_TOKEN is shorter than {SHORTEST_TOKEN} "
            "characters: set it to a long random text"
        )
    if not tokens:
        raise UsageError(
            f"{host!r} can be reached from other machines, and ANTON_API_TOKEN is not set: set it to a long "
            "random text, or listen on 127.0.0.1"
        )


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        UsageError: the port is taken, or the address is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only over sockets that say they are TCP's does asyncio send small answers at once; else the kernel holds
    # them back for 40 ms. Source: https://github.com/python/cpython/blob/main/Lib/asyncio/base_events.py
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"cannot listen on {host} port {port}: {(error.strerror or str(error)).lower()}; name another "
            "with --port or --host"
        ) from error
    return listener


async def serve(
    app: FastAPI, listener: socket.socket, protocol: type[HurriedProtocol] = HurriedProtocol
) -> None:
    """Answer requests until cancelled; then take no more, finish those under way, and let go of all runs."""
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve(sockets=[listener]), name="server")
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            app.state.desk.bus.close()
            await serving
            raise
