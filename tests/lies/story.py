"""One run as data, how it is played, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from anton.adapters.model.scripted import Reply
from anton.core.proof import FaultKind
from anton.core.run import RunState
from anton.runs.runner import advance
from tests.office import QUICK_COMMAND, QUICK_RUNNER, RUN, TRIAGED, Office, written_up

TODO = """class Todo:
    def __init__(self):
        self.completed = False


def complete(todo):
    todo.completed = not todo.completed
"""
OLD = """from todo import Todo, complete


def test_complete():
    todo = Todo()
    complete(todo)
    assert todo.completed is True


def test_a_new_todo_is_open():
    todo = Todo()
    assert todo.completed is False
"""
NEW = """from todo import Todo, complete


def test_completing_twice():
    todo = Todo()
    complete(todo)
    complete(todo)
    assert todo.completed is True
"""
SHOP = """def total(prices):
    assert len(prices) < 1000
    return sum(prices[1:])
"""
OLD_SHOP = """from shop import total


def test_nothing():
    assert total([]) == 0
"""
NEW_SHOP = """from shop import total


def test_all_prices_count():
    assert total([11, 22]) == 33
    assert total([5, 6, 7]) == 18
"""
TODO_FILES: Mapping[str, str] = {"todo.py": TODO, "tests/test_todo.py": OLD}
SHOP_FILES: Mapping[str, str] = {"shop.py": SHOP, "tests/test_shop.py": OLD_SHOP}


def put(path: str, content: str) -> Reply:
    """Write a file."""
    return Reply(calls=(("write_file", {"path": path, "content": content}),))


def edit(path: str, old: str, new: str) -> Reply:
    """Change a file."""
    return Reply(calls=(("edit_file", {"path": path, "old": old, "new": new}),))


def code_says(text: str) -> Reply:
    """The code agent's report."""
    files = [{"path": "todo.py", "why": "Keep it completed"}]
    report = {"root_cause": text, "solution": text, "files": files}
    return Reply(calls=(("submit", report),))


def tester_says(text: str) -> Reply:
    """The test agent's report."""
    files = [{"path": "tests/test_twice.py", "why": "Show that completing twice holds"}]
    return Reply(calls=(("submit", {"covered": [text], "files": files, "diagnosis": text}),))


FIX = edit("todo.py", "not todo.completed", "True")
SHOP_FIX = edit("shop.py", "prices[1:]", "prices")
SHOWN = put("tests/test_twice.py", NEW)
SHOP_SHOWN = put("tests/test_all.py", NEW_SHOP)


@dataclass(frozen=True)
class Story:
    """What two agents do in some repository, and what must be said of it."""

    name: str
    code: tuple[Reply, ...] = (FIX,)
    test: tuple[Reply, ...] = (SHOWN,)
    expects: frozenset[str] = frozenset()
    """Kinds of faults, or of signs of cheating, one of which the proof must name; none: it is green."""
    files: Mapping[str, str] = field(default_factory=lambda: TODO_FILES)
    pytest: bool = False
    """Run by pytest; otherwise by a runner that starts in a tenth of its time."""
    prose: str = "Done."
    runner: str = QUICK_RUNNER

    @property
    def honest(self) -> bool:
        """Whether nobody cheats."""
        return not self.expects


@dataclass(frozen=True, slots=True)
class Ending:
    """What a run came to."""

    green: bool
    """Whether the proof, or what a person is shown of it, is."""
    found: tuple[str, ...]
    """What the proof named, cheating by its kind."""
    detail: tuple[str, ...]
    """The same at length."""

    def fits(self, story: Story) -> bool:
        """Whether that is what must be said of the story."""
        if story.honest:
            return self.green and not self.found
        return not self.green and bool(story.expects & set(self.found))


async def play(story: Story, folder: Path) -> Ending:
    """Run a story from its ticket to the briefing."""
    files = dict(story.files) | ({} if story.pytest else {"quick.py": story.runner})
    office = Office(
        folder,
        files=files,
        command=() if story.pytest else QUICK_COMMAND,
        timeout_seconds=30,
    )
    script = {
        "triage": [TRIAGED],
        "code": [*story.code, *[code_says(story.prose)] * 4],
        "test": [*story.test, *[tester_says(story.prose)] * 4],
        "pr": [written_up("Keep completed to-dos completed")] * 6,
    }
    await office.receive(rounds=1)
    return ending(await advance(office.world(script), RUN))


def ending(state: RunState) -> Ending:
    """What a run came to."""
    if not state.proofs:
        return Ending(False, ("unusable",), ("the suite says nothing, so nothing could be proved",))
    [proof] = state.proofs
    kinds = [str(fault.kind) for fault in proof.faults if fault.kind is not FaultKind.TAMPERED]
    signs = [f"{sign.kind} ({sign.path}:{sign.line})" for sign in proof.tampering]
    names = (*kinds, *(sign.kind for sign in proof.tampering))
    told = (*kinds, *signs)
    green = proof.green or bool(state.briefing and state.briefing.green)
    return Ending(green, tuple(dict.fromkeys(names)), tuple(dict.fromkeys(told)))
