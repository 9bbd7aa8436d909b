"""No cheat is ever green; no honest run is ever red."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lies.cheats import CHEATS
from tests.lies.executed import EXECUTED
from tests.lies.honest import HONEST
from tests.lies.story import Story, play

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("story", [*CHEATS, *EXECUTED], ids=lambda story: story.name)
async def test_a_lie_is_never_green_and_is_named(story: Story, tmp_path: Path) -> None:
    ending = await play(story, tmp_path)
    assert not ending.green, ending
    assert story.expects & set(ending.found), ending


@pytest.mark.parametrize("story", HONEST, ids=lambda story: story.name)
async def test_an_honest_run_is_green(story: Story, tmp_path: Path) -> None:
    ending = await play(story, tmp_path)
    assert ending.green, ending


def test_there_are_as_many_honest_runs_as_forty_lies_need() -> None:
    assert len(CHEATS) >= 40
    assert len(HONEST) >= 40
    names = [story.name for story in (*CHEATS, *EXECUTED, *HONEST)]
    assert len(set(names)) == len(names)
