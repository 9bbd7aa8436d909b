"""`/oncall` where machines share a database: any worker takes the run on, and one is told of it here."""

from __future__ import annotations

import asyncio
from pathlib import Path

from anton.adapters.model.scripted import Reply
from tests.counterparts.chat_completions import KEY, scripted_endpoint
from tests.entrypoints.shell import Shell
from tests.office import HONEST, make_repository
from tests.postgres import PostgresServer


async def test_a_worker_does_what_a_conversation_takes_in(tmp_path: Path, postgres: PostgresServer) -> None:
    repository = make_repository(tmp_path / "repository")

    def talk(person: Shell, machine: Shell) -> None:
        with (
            person.terminal("chat", "--repo", str(repository)) as terminal,
            machine.started("worker", "--unsafe-no-sandbox"),
        ):
            terminal.until("you >")
            terminal.type("/oncall To-dos come back.")
            terminal.until("a server or worker with the same database takes it on")
            seen = terminal.until("GREEN")
            assert "proving" in seen
            terminal.type("/exit")
            terminal.until("Go on with: anton chat")
            assert terminal.end() == 0

    async with scripted_endpoint({**HONEST, "chat": [Reply("Hello.")]}) as endpoint:
        settings = {
            "API_KEY": KEY,
            "BASE_URL": endpoint.base_url,
            "MODEL": "some-model",
            "DATABASE_URL": postgres.new_database(),
        }
        machine = Shell(tmp_path / "machine", settings)
        await asyncio.to_thread(talk, Shell(tmp_path / "person", settings), machine)
