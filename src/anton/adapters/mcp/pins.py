"""What of each server's tools the operator has accepted, and what was last offered: one JSON file a server.

The first time that a server is used, its tools are accepted as they are. From then on a definition that is
new or another is recorded beside the accepted one and stays out of use until the operator consents to it, so
that a server cannot put words before a model that nobody had a chance to read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from anton.adapters.mcp.definition import Definition
from anton.core.errors import OutsideError
from anton.ports.tool_servers import Consent
from anton.system.files import replace_file
from anton.system.locks import wait_for_lock

MAX_BYTES = 50_000_000
"""Of a file that is read."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One tool: what was accepted, and what is offered; one of them is there."""

    accepted: Definition | None
    offered: Definition | None

    @property
    def consent(self) -> Consent:
        """Where it stands."""
        if self.offered is None:
            return Consent.WITHDRAWN
        if self.accepted is None:
            return Consent.NEW
        return Consent.GIVEN if self.accepted.digest == self.offered.digest else Consent.CHANGED

    @property
    def usable(self) -> Definition | None:
        """The definition that agents may be shown."""
        return self.accepted if self.consent is Consent.GIVEN else None


Pinned = Mapping[str, Pin]
"""A server's tools by the server's own names."""


class _Definition(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    description: str
    input_schema: dict[str, object]


class _Tool(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    accepted: _Definition | None = None
    offered: _Definition | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    tools: dict[str, _Tool]


class Pins:
    """The files in a folder, which is made when there is something to write. All of it blocks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, server: str) -> Pinned | None:
        """A server's tools; None where it has never been used.

        Raises:
            OutsideError: the file cannot be read.
        """
        path = self._path(server)
        try:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES)
            read = _File.model_validate_json(content)
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not what Anton writes"
            raise OutsideError(
                f"what was accepted of the MCP server {server!r} cannot be read from {str(path)!r}: {why}; "
                "mend it, or remove it and the tools are recorded anew"
            ) from error
        return {
            name: Pin(_definition(name, each.accepted), _definition(name, each.offered))
            for name, each in read.tools.items()
        }

    def record(self, server: str, offered: Sequence[Definition]) -> Pinned:
        """Write down what a server offers now; where it was never used, that is accepted.

        Raises:
            OutsideError: the file cannot be read or written.
        """
        now = {definition.name: definition for definition in offered}
        with self._alone(server):
            known = self.read(server)
            if known is None:
                return self._write(server, {name: Pin(each, each) for name, each in now.items()}, known)
            accepted = {name: pin.accepted for name, pin in known.items()}
            names = sorted({*now, *(name for name, each in accepted.items() if each)})
            pins = {name: Pin(accepted.get(name), now.get(name)) for name in names}
            return self._write(server, pins, known)

    def accept(self, server: str) -> Pinned | None:
        """Accept all tools as they were last offered; None where the server has never been used.

        Raises:
            OutsideError: the file cannot be read or written.
        """
        with self._alone(server):
            known = self.read(server)
            if known is None:
                return None
            kept = {name: Pin(pin.offered, pin.offered) for name, pin in known.items() if pin.offered}
            return self._write(server, kept, known)

    def _path(self, server: str) -> Path:
        return self._folder / f"{server}.json"

    def _write(self, server: str, pins: Pinned, known: Pinned | None) -> Pinned:
        if pins == known:
            return pins
        tools = {
            name: _Tool(accepted=_kept(p.accepted), offered=_kept(p.offered)) for name, p in pins.items()
        }
        content = _File(tools=tools).model_dump_json(indent=1).encode()
        try:
            replace_file(self._path(server), content)
        except OSError as error:
            raise _unwritable(self._path(server), error) from error
        return pins

    @contextmanager
    def _alone(self, server: str) -> Iterator[None]:
        path = self._folder / f".{server}.lock"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            wait_for_lock(descriptor)
            yield
        finally:
            os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> OutsideError:
    return OutsideError(
        f"the tools of MCP servers cannot be recorded in {str(path)!r}: {error.strerror}; mend the folder, "
        "without a record no tool of the server is used"
    )


def _definition(name: str, kept: _Definition | None) -> Definition | None:
    return Definition(name, kept.description, kept.input_schema) if kept else None


def _kept(definition: Definition | None) -> _Definition | None:
    return (
        _Definition(description=definition.description, input_schema=dict(definition.schema))
        if definition
        else None
    )
