"""Servers that others wrote: the reference ones of npm, and one of PyPI."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from tests.office import make_repository

from anton.adapters.mcp.server import Endpoint, Program, Server
from anton.adapters.mcp.servers import McpServers, mcp_servers
from anton.core.errors import ToolError
from anton.system.child import child

pytestmark = pytest.mark.slow

COUNTERPARTS = Path(__file__).parents[2] / "counterparts"
BIN = COUNTERPARTS / "node_modules" / ".bin"
NODE = shutil.which("node")
Open = Callable[..., AbstractAsyncContextManager[McpServers]]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    return lambda *servers: mcp_servers(servers, tmp_path / "mcp")


def of_npm(name: str) -> tuple[str, ...]:
    """The command of a reference server, which `.ci/run` installs."""
    program = BIN / name
    if NODE is None or not program.exists():
        pytest.skip(f"{name} is not installed in tests/counterparts: .ci/run does that where there is npm")
    return (NODE, str(program))


async def test_the_reference_server_that_does_everything(opened: Open) -> None:
    everything = Server("everything", Program((*of_npm("mcp-server-everything"), "stdio")), ("code",))
    async with opened(everything) as servers:
        await servers.learn()
        tools = servers.tools("code")
        assert (await tools["mcp_everything_echo"].call('{"message": "hello"}')).endswith("Echo: hello")
        picture = await tools["mcp_everything_get-tiny-image"].call("{}")
        assert "[an image, image/png, about " in picture
        with pytest.raises(ToolError, match="everything"):
            await tools["mcp_everything_echo"].call('{"message": {"no": "text"}}')
        assert (await tools["mcp_everything_echo"].call('{"message": "again"}')).endswith("Echo: again")


@pytest.mark.parametrize(("mode", "path", "events"), [("streamableHttp", "mcp", False), ("sse", "sse", True)])
async def test_the_same_by_http(opened: Open, mode: str, path: str, events: bool) -> None:
    async with listening((*of_npm("mcp-server-everything"), mode)) as port:
        endpoint = Endpoint(f"http://127.0.0.1:{port}/{path}", {"X-Token": "secret"}, events)
        async with opened(Server("far", endpoint, ("code",))) as servers:
            await servers.learn()
            assert servers.notices[0].startswith(
                f"The MCP server 'far' ({endpoint.url}) is used for the first"
            )
            tools = servers.tools("code")
            assert (await tools["mcp_far_echo"].call('{"message": "hello"}')).endswith("Echo: hello")


async def test_the_reference_server_of_files_reaches_its_folder_and_no_other(
    opened: Open, tmp_path: Path
) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "a.md").write_text("Restart the queue.")
    argv = (*of_npm("mcp-server-filesystem"), str(tmp_path / "books"))
    async with opened(Server("files", Program(argv), ("triage",))) as servers:
        await servers.learn()
        read = servers.tools("triage")["mcp_files_read_text_file"]
        assert (await read.call(f'{{"path": "{tmp_path}/books/a.md"}}')).endswith("Restart the queue.")
        with pytest.raises(ToolError, match="outside allowed directories"):
            await read.call('{"path": "/etc/passwd"}')


async def test_the_server_of_git_in_python(opened: Open, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("mcp-server-git")
    if not program.exists():
        pytest.skip("mcp-server-git is not installed: it is in the group dev")
    repository = make_repository(tmp_path / "repo")
    server = Server("git", Program((str(program),), {"PATH": "/usr/bin:/bin"}), ("code",))
    async with opened(server) as servers:
        await servers.learn()
        log = servers.tools("code")["mcp_git_git_log"]
        assert "Add to-dos" in await log.call(f'{{"repo_path": "{repository}"}}')


@asynccontextmanager
async def listening(argv: tuple[str, ...]) -> AsyncIterator[int]:
    """A server on a free port of this machine, once it takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    async with child(*argv, env={"PORT": str(port), "PATH": "/usr/bin:/bin"}):
        async with asyncio.timeout(30):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.1)
                    continue
                writer.close()
                break
        yield port
