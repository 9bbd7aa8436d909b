"""No payload of anybody's raises anything but a UsageError, or begins what it should not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.errors import UsageError
from anton.core.ticket import Ticket
from anton.entrypoints.intake import (
    GitHubRules,
    Ignored,
    JiraRules,
    Merged,
    Taken,
    alertmanager,
    generic,
    github,
    jira,
    pagerduty,
    parse_json,
    sentry,
    slack_command,
)
from anton.entrypoints.intake.json_body import MAX_DEPTH
from tests.entrypoints.intake import examples

Read = Callable[[Any], Taken | Merged | Ignored]


def of_github(event: str) -> Read:
    return lambda payload: github(event, "d", payload, GitHubRules())


READERS: dict[str, tuple[Read, Any]] = {
    "jira": (lambda p: jira("w", p, JiraRules()), examples.JIRA_CREATED),
    "jira updated": (lambda p: jira("w", p, JiraRules("anton")), examples.jira_updated(examples.LABELED)),
    "github issues": (of_github("issues"), examples.GITHUB_LABELED),
    "github comment": (of_github("issue_comment"), examples.GITHUB_COMMENT),
    "github workflow": (of_github("workflow_run"), examples.GITHUB_WORKFLOW),
    "github merged": (of_github("pull_request"), examples.GITHUB_MERGED),
    "sentry alert": (lambda p: sentry("event_alert", "r", p), examples.SENTRY_ALERT),
    "sentry issue": (lambda p: sentry("issue", "r", p), examples.SENTRY_ISSUE),
    "pagerduty": (pagerduty, examples.PAGERDUTY),
    "alertmanager": (alertmanager, examples.ALERTMANAGER),
    "generic": (generic, examples.GENERIC),
}
readers = pytest.mark.parametrize("name", READERS)

TEXTS = st.text(max_size=30) | st.sampled_from(
    ["", "\x00", "\u202e", "\ud800", "firing", "a" * 5000, "#", "/"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.just(10**4000)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=9,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, step))


def at(payload: Any, path: tuple[Any, ...], value: object) -> Any:
    if not path:
        return value
    other = copy.deepcopy(payload)
    inner = other
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return other


def read_or_refused(read: Read, payload: object) -> Taken | Merged | Ignored | str:
    try:
        return read(payload)
    except UsageError as refused:
        return str(refused)


def fit(read: Read, payload: object) -> None:
    """What is parsed is taken, ignored or refused in one sentence, and what is taken can be journaled."""
    parsed = parse_json(json.dumps(payload).encode())
    result = read_or_refused(read, parsed)
    if isinstance(result, str):
        assert result.isprintable()
    if isinstance(result, Taken):
        kept = [result.delivery, result.requested_by, result.ticket.key, result.ticket.url]
        assert all(text.isprintable() for text in kept)
        assert len(result.delivery) <= 200
        assert result.ticket.title
        str(result).encode()


@readers
@given(payload=JSON)
def test_any_json_is_taken_ignored_or_refused(name: str, payload: object) -> None:
    fit(READERS[name][0], payload)


@readers
@given(data=st.data())
def test_a_real_payload_with_anything_in_one_place_is_too(name: str, data: st.DataObject) -> None:
    read, example = READERS[name]
    path = data.draw(st.sampled_from(list(places(example))))
    fit(read, at(example, path, data.draw(JSON)))


@readers
def test_every_field_may_be_missing_or_null(name: str) -> None:
    read, example = READERS[name]
    for path in list(places(example))[1:]:
        fit(read, at(example, path, None))
        without = copy.deepcopy(example)
        inner = without
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]
        fit(read, without)


@given(form=st.dictionaries(st.sampled_from([*examples.SLACK, "x"]), TEXTS))
def test_any_form_is_a_command_or_refused(form: dict[str, str]) -> None:
    try:
        result = slack_command(form, Ticket("BUG-42", "t", "b"))
    except UsageError:
        return
    assert isinstance(result, Ignored) or result.delivery.isprintable()


@given(body=st.binary(max_size=200))
def test_any_bytes_are_json_or_refused(body: bytes) -> None:
    with suppress(UsageError):
        parse_json(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is not JSON: Expecting value"),
        (b"{", "is not JSON"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": -Infinity}', "Infinity is no number"),
        (b"\xff\xfe", "is not UTF-8: byte 0"),
        (b"[" * 100_000, f"more than {MAX_DEPTH} deep"),
        (b"[" * 100_000 + b"]" * 100_000, f"more than {MAX_DEPTH} deep"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, f"more than {MAX_DEPTH} deep"),
        (b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), f"more than {MAX_DEPTH} deep"),
        (b"9" * 5000, "is not JSON: Exceeds the limit"),
        (b" " * ((1 << 20) + 1), "has 1,048,577 bytes"),
    ],
)
def test_what_is_no_json_or_too_much_of_it_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        parse_json(body)


def test_json_within_bounds_is_read() -> None:
    assert parse_json(b'{"a": [1, 2.5, null, true, "\\u00e4"]}') == {"a": [1, 2.5, None, True, "ä"]}
    assert parse_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


def test_half_a_character_is_replaced() -> None:
    assert parse_json(rb'{"\udc00": "\ud83d\ude00 \ud83d"}') == {"?": "\U0001f600 ?"}
