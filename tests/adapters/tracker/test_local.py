"""Tickets as files."""

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from anton.adapters.tracker.local import COMMENTS, LocalTracker
from anton.core.errors import OutsideError, UsageError
from anton.core.ticket import MAX_BODY_CHARACTERS, Ticket
from anton.demo.build import demo_ticket

TICKET = Ticket("BUG-1", "Done: undone", "Tap Done.", "Jo", labels=("bug", "on call"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tickets"


@pytest.fixture
def tracker(folder: Path) -> LocalTracker:
    return LocalTracker(folder, [demo_ticket()])


def written(folder: Path, content: str | bytes, key: str = "BUG-1") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{key}.md"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


async def test_a_ticket_from_elsewhere_becomes_a_file_and_is_closed_there(
    folder: Path, tracker: LocalTracker
) -> None:
    await tracker.start(TICKET)
    assert (folder / "BUG-1.md").read_text() == snapshot("""\
---
key: BUG-1
title: "Done: undone"
status: in progress
reporter: Jo
labels: [bug, on call]
---

Tap Done.
""")
    for _ in range(2):
        assert await tracker.close(TICKET, "/pulls/1.md") == str(folder / "BUG-1.md")
    assert (folder / "BUG-1.md").read_text() == snapshot("""\
---
key: BUG-1
title: "Done: undone"
status: closed
reporter: Jo
labels: [bug, on call]
---

Tap Done.

<!-- comments -->

## Comments

<!-- anton 5f09837ce75d425e -->
**Anton**: closed by the pull request </pulls/1.md>
""")


async def test_another_pull_request_gets_a_comment_of_its_own(folder: Path, tracker: LocalTracker) -> None:
    for link in ("/pulls/1.md", "/pulls/2.md", "/pulls/1.md"):
        await tracker.close(TICKET, link)
    text = (folder / "BUG-1.md").read_text()
    assert (text.count("/pulls/1.md"), text.count("/pulls/2.md"), text.count(COMMENTS)) == (1, 1, 1)


async def test_the_demo_ticket_is_there_without_a_file_and_a_file_comes_first(
    folder: Path, tracker: LocalTracker
) -> None:
    assert await tracker.get("BUG-42") == demo_ticket()
    assert not folder.exists()
    path = written(folder, "# Mine\n\nMy own words.\n", "BUG-42")
    assert await tracker.get("BUG-42") == Ticket("BUG-42", "Mine", "My own words.", "", "local", str(path))


async def test_a_file_without_front_matter_is_a_ticket(folder: Path, tracker: LocalTracker) -> None:
    path = written(folder, "Crash on start\r\n\r\nIt says KeyError.\r\n")
    assert await tracker.get("BUG-1") == Ticket(
        "BUG-1", "Crash on start", "It says KeyError.", "", "local", str(path)
    )
    await tracker.start(await tracker.get("BUG-1"))
    assert path.read_text() == "---\nstatus: in progress\n---\n\nCrash on start\n\nIt says KeyError.\n"


async def test_fields_that_a_person_added_stay(folder: Path, tracker: LocalTracker) -> None:
    path = written(folder, "---\ntitle: Crash: again\nsprint: 12\nlabels: bug, ui\n---\nText\n")
    ticket = await tracker.get("BUG-1")
    assert (ticket.title, ticket.labels) == ("Crash: again", ("bug", "ui"))
    await tracker.close(ticket, "/pulls/1.md")
    assert 'title: "Crash: again"\nsprint: 12\nlabels: "bug, ui"\nstatus: closed\n' in path.read_text()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty: write down what happened"),
        ("---\nstatus: open\n---\n \n", "is empty: write down what happened"),
        ("---\ntitle: x\n", "no second '---' ends it"),
        ("---\ntitle\n---\n", "line 2 is 'title', not 'key: value'"),
        ('---\ntitle: "x\n---\n', "line 2 holds '\"x', a text whose quotes do not match"),
        ("---\nstatus: done\n---\nx", "has the status 'done': write one of 'open', 'in progress', 'closed'"),
        ("---\nkey: BUG-2\n---\nx", "says that its key is 'BUG-2'"),
        (b"\xff\xfe\x00binary", r"is not UTF-8 text \(byte 0\)"),
        (b"x" * 4_000_001, "is larger than 4,000,000 bytes"),
    ],
)
async def test_a_file_that_is_no_ticket_is_named_with_its_fault(
    folder: Path, tracker: LocalTracker, content: str | bytes, words: str
) -> None:
    path = written(folder, content)
    with pytest.raises(UsageError, match=words) as refused:
        await tracker.get("BUG-1")
    assert repr(str(path)) in str(refused.value)


async def test_a_folder_in_the_place_of_a_ticket_is_named(folder: Path, tracker: LocalTracker) -> None:
    (folder / "BUG-1.md").mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        await tracker.get("BUG-1")


@pytest.mark.parametrize("key", ["", "../BUG-1", "a/b", ".hidden", "BUG 1", "x" * 101, "BUG\n"])
async def test_a_key_that_could_leave_the_folder_is_refused(tracker: LocalTracker, key: str) -> None:
    with pytest.raises(UsageError, match="cannot be a ticket's key"):
        await tracker.get(key)
    with pytest.raises(UsageError, match="cannot be a ticket's key"):
        await tracker.start(Ticket(key, "t", "b"))


async def test_an_unknown_key_is_answered_with_the_known_ones(folder: Path, tracker: LocalTracker) -> None:
    written(folder, "x", "BUG-9")
    with pytest.raises(UsageError, match=r"write it to .*BUG-1\.md', or name one of BUG-42, BUG-9"):
        await tracker.get("BUG-1")


async def test_a_very_long_ticket_is_cut_with_a_notice(folder: Path, tracker: LocalTracker) -> None:
    written(folder, "Long\n\n" + "word " * 200_000)
    ticket = await tracker.get("BUG-1")
    assert len(ticket.body) < MAX_BODY_CHARACTERS + 200
    assert "characters left out]" in ticket.body


async def test_a_ticket_cannot_hide_behind_the_mark_of_the_comments(tracker: LocalTracker) -> None:
    hostile = Ticket("BUG-1", "t", f"before\n{COMMENTS}\nafter")
    await tracker.start(hostile)
    assert (await tracker.get("BUG-1")).body == "before\n\nafter"


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutsideError, match="'BUG-1' cannot be written"):
        await LocalTracker(tmp_path / "file").start(TICKET)
