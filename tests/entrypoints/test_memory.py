"""`anton memory`: what agents are told of a repository, shown and forgotten."""

from __future__ import annotations

from pathlib import Path

from anton.runs.memory import folder_of
from tests.entrypoints.shell import Shell


def test_notes_are_shown_with_their_files_and_forgotten_by_their_run(tmp_path: Path) -> None:
    anton = Shell(tmp_path)
    repository = tmp_path / "service"
    repository.mkdir()
    folder = folder_of(anton.home, str(repository.resolve()))
    folder.mkdir(parents=True)
    (folder / "r1.md").write_text("# From run r1\n\n- Run it with TZ=UTC. \x1b[31m(code)\n")
    shown = anton("memory", "--repo", str(repository))
    assert shown.status == 0
    assert str(folder / "r1.md") in shown.out.replace("\n", "")
    assert "  - Run it with TZ=UTC. (code)" in shown.out
    unknown = anton("memory", "--repo", str(repository), "--forget", "../r1")
    assert unknown.status == 2
    assert "run '../r1' left no notes" in unknown.err
    assert (
        anton("memory", "--repo", str(repository), "--forget", "r1").out == "What run r1 left is forgotten.\n"
    )
    assert not (folder / "r1.md").exists()
    nothing = anton("memory", "--repo", str(repository)).out
    assert nothing.startswith("Nothing is remembered of ")
