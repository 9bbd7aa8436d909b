"""What the server logs: a line for each notable thing, with its run, as text or JSON, secrets masked."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from anton.entrypoints.composition import LogOptions
from anton.entrypoints.server.logs import set_up
from anton.runs.log import working_on
from tests.entrypoints.server.served import an_anton, an_office, served
from tests.office import HONEST, TICKET

logger = logging.getLogger("anton.test")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged; the loggers are as they were afterwards."""
    named = [logging.getLogger(name) for name in ("", "anton", "uvicorn")]
    before = [(each, each.level, list(each.handlers)) for each in named]
    yield io.StringIO()
    for each, level, handlers in before:
        each.setLevel(level)
        each.handlers[:] = handlers


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_a_run_is_a_few_lines_with_its_id(tmp_path: Path, stream: io.StringIO) -> None:
    set_up(LogOptions("json"), stream)
    office = an_office(tmp_path)
    async with served(an_anton(office), office) as server:
        run = await server.begun(key="BUG-7")
        await server.until(run, phase="deciding")
        await server.client.post(f"/runs/{run}/approve")
        await server.until(run, outcome="delivered")
    said = [line for line in lines(stream) if line["logger"] == "anton.runs"]
    assert {line["run"] for line in said} == {run}
    assert {line["ticket"] for line in said} == {"BUG-7"}
    assert [line["event"] for line in said] == snapshot(
        [
            "run_received",
            "proof_finished",
            "briefing_prepared",
            "decided",
            "step_delivered",
            "step_delivered",
            "step_delivered",
            "step_delivered",
            "run_closed",
        ]
    )
    assert TICKET.title not in stream.getvalue()
    assert any(line["logger"] == "uvicorn.error" for line in lines(stream))


async def test_what_fails_is_a_warning(tmp_path: Path, stream: io.StringIO) -> None:
    set_up(LogOptions("json", "warning"), stream)
    office = an_office(tmp_path)
    async with served(an_anton(office, {**HONEST, "triage": []}), office) as server:
        run = await server.begun()
        await server.until(run, phase="deciding")
    said = lines(stream)
    assert [(line["level"], line["agent"], line["outcome"]) for line in said] == [
        ("warning", "triage", "failed")
    ]


def test_a_record_bears_the_run_that_it_was_made_in(stream: io.StringIO) -> None:
    set_up(LogOptions("json"), stream)
    with working_on("r1"):
        logger.info("within")
        with working_on("r2"):
            logger.info("deeper")
    logger.info("outside")
    assert [(line["message"], line.get("run")) for line in lines(stream)] == [
        ("within", "r1"),
        ("deeper", "r2"),
        ("outside", None),
    ]


def test_secrets_are_masked_wherever_they_are(stream: io.StringIO) -> None:
    set_up(LogOptions("json", "info", lambda text: text.replace('s3"cret', "***")), stream)
    try:
        raise ValueError('s3"cret')
    except ValueError:
        logger.exception('about s3"cret', extra={"fields": {"token": 's3"cret'}})
    (said,) = lines(stream)
    assert said["message"] == "about ***"
    assert said["token"] == "***"
    assert str(said["exception"]).endswith("ValueError: ***")


def test_nothing_in_a_text_commands_a_terminal(stream: io.StringIO) -> None:
    set_up(LogOptions(), stream)
    try:
        raise ValueError("\x1b[2J\u202ebad")
    except ValueError as error:
        logging.getLogger("anton").exception("broke off: \x1b]0;owned\x07 %s", error)
    assert not {"\x1b", "\x07", "\u202e"} & set(stream.getvalue())


def test_text_is_one_line_a_record(stream: io.StringIO) -> None:
    set_up(LogOptions("text", "info", lambda text: text.replace("s3cret", "***")), stream)
    with working_on("8c1f02aa"):
        logger.warning("two\nlines with s3cret")
    (said,) = stream.getvalue().splitlines()
    assert said.partition(" ")[2] == "warning 8c1f02aa anton.test: two lines with ***"


@pytest.mark.parametrize(("level", "heard"), [("debug", 4), ("info", 2), ("warning", 1), ("error", 0)])
def test_libraries_are_heard_from_warnings_on(stream: io.StringIO, level: str, heard: int) -> None:
    set_up(LogOptions("text", level), stream)
    logging.getLogger("some.library").info("chatter")
    logging.getLogger("some.library").warning("trouble")
    logger.info("news")
    logger.debug("detail")
    assert len(stream.getvalue().splitlines()) == heard


def test_what_is_set_up_twice_is_told_once(stream: io.StringIO) -> None:
    set_up(LogOptions(), io.StringIO())
    set_up(LogOptions(), stream)
    logger.info("once")
    assert len(stream.getvalue().splitlines()) == 1


async def test_a_flood_of_connections_that_no_file_is_left_for_is_one_line(stream: io.StringIO) -> None:
    """What asyncio itself says, where a listener's accept fails."""
    set_up(LogOptions("json"), stream)
    loop = asyncio.get_running_loop()
    context = {
        "message": "socket.accept() out of system resource",
        "exception": OSError(errno.EMFILE, "Too many open files"),
        "socket": None,
    }
    for _ in range(2_048):
        loop.call_exception_handler(context)
    loop.call_exception_handler({"message": "something else"})
    assert [(line["message"], "exception" in line) for line in lines(stream)] == [
        ("no connection is taken: more files are open than this process may have (ulimit -n)", False),
        ("something else", False),
    ]
