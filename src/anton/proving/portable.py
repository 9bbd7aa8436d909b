"""A proof without what belongs to one machine: its folders, its name, how long things took.

The patch, and what signs of cheating quote of it, is left as it is: it is the repository's content. The
faults are judged anew from the cells as they read now, so that whoever judges these comes to the same words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from anton.core.proof import Case, Cell, Proof
from anton.core.verdict import judge

T = TypeVar("T")
_SHARED = ("/usr", "/bin", "/lib", "/lib64", "/etc", "/opt/python", "/dev", "/proc")
"""Folders that are the same everywhere."""
_HOMES = re.compile(r"(?<![\w.-])/(?:home|Users)/(?!user\b)[A-Za-z0-9._-]+")
_PLAIN_HOST = 4
"""Characters; a shorter host name, or `localhost`, is a word like any other."""


@dataclass(frozen=True, slots=True)
class Traces:
    """What gives a machine away."""

    folders: Mapping[str, str]
    """What to write in place of an absolute path."""
    host: str = ""

    @property
    def hide(self) -> Callable[[str], str]:
        """A function that takes all of it out of a text."""
        known = sorted(self.folders, key=lambda path: (-len(path), path))
        named = "|".join(rf"{re.escape(path)}(?![\w.-])" for path in known)
        paths = re.compile(rf"(?<![\w.-])(?:{named})") if named else None
        host = self.host.partition(".")[0]
        tells = len(host) >= _PLAIN_HOST and host != "localhost"
        hosts = re.compile(rf"(?<![\w-]){re.escape(host)}(?![\w-])") if tells else None

        def hidden(text: str) -> str:
            if paths:
                text = paths.sub(lambda found: self.folders[found[0]], text)
            text = _HOMES.sub("/home/user", text)
            return hosts.sub("host", text) if hosts else text

        return hidden


def traces(readable: Iterable[Path], folders: Mapping[Path, str], host: str) -> Traces:
    """Those of a machine, by what its tests may read and by folders of its own.

    Args:
        readable: An interpreter's prefix and the like; written as `/env`.
        folders: Others, with what to write in their place.
        host: Its name.
    """
    named = dict.fromkeys(readable, "/env") | dict(folders)
    own = {
        str(path): instead
        for path, instead in named.items()
        if path.is_absolute() and len(path.parts) > 1 and not _is_shared(path)
    }
    return Traces(own, host)


def _is_shared(path: PurePosixPath | Path) -> bool:
    return any(path.is_relative_to(shared) for shared in _SHARED)


def portable(proof: Proof, command: Callable[[tuple[str, ...]], tuple[str, ...]], where: Traces) -> Proof:
    """The proof as it can be shown and executed elsewhere.

    Args:
        proof: As it was recorded.
        command: Writes a cell's command for elsewhere.
        where: What to leave out.
    """
    hide = where.hide
    cells = tuple(replace(portable_cell(cell, where), command=command(cell.command)) for cell in proof.cells)
    judged = judge(proof.round, proof.patch, cells, hide(proof.sandbox), proof.tampering)
    known = {(fault.kind, fault.tests) for fault in judged.faults}
    others = tuple(fault for fault in proof.faults if (fault.kind, fault.tests) not in known)
    bare = replace(
        proof, cells=(), patch=replace(proof.patch, diff="", commits=(), second_opinion=""), faults=others
    )
    said = _mapped(bare, hide)
    return replace(
        said,
        patch=proof.patch,
        tampering=proof.tampering,
        cells=cells,
        faults=(*judged.faults, *said.faults),
        reproducing=tuple(sorted(said.reproducing)),
        new_tests=tuple(sorted(said.new_tests)),
        flaky=tuple(sorted(said.flaky)),
        already_red=tuple(sorted(said.already_red)),
    )


def portable_cell(cell: Cell, where: Traces) -> Cell:
    """A cell without folders, host name and duration; its command is left as it is."""
    hide = where.hide
    cases = tuple(Case(hide(case.id), case.outcome, hide(case.message)) for case in cell.cases)
    return replace(cell, cases=cases, output=hide(cell.output), seconds=0.0)


def _mapped(value: T, hide: Callable[[str], str]) -> T:
    """A value of frozen dataclasses and tuples with every text in it changed; words of an enum stay."""
    result: Any = value
    if isinstance(value, str):
        result = hide(value) if type(value) is str else value
    elif isinstance(value, tuple):
        result = tuple(_mapped(item, hide) for item in value)
    elif is_dataclass(value) and not isinstance(value, type):
        result = replace(value, **{f.name: _mapped(getattr(value, f.name), hide) for f in fields(value)})
    return result  # type: ignore[no-any-return]
