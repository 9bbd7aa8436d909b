"""A tool's schema comes from its function, and its arguments are checked against it."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from pydantic import BaseModel, Field

from anton.core.errors import ToolError
from anton.core.tool import Reach, Tool
from anton.tools.context import ToolContext
from anton.tools.define import MAX_ARGUMENT_CHARACTERS, FunctionTool, tool
from anton.tools.excerpt import MAX_RESULT_CHARACTERS


@tool(reach=Reach.WRITE, seconds=7)
async def paint(
    context: ToolContext,
    colour: str,
    coats: Annotated[int, Field(ge=1, le=3)] = 1,
    rooms: list[str] | None = None,
    quick: bool = False,
) -> str:
    """Paint a wall
    in one colour.

    Two paragraphs are both shown.

    Args:
        context: Not shown.
        colour: Which one,
            in words.
        coats: How many.
        rooms: Where.
        quick: Whether to hurry.

    Returns:
        Not shown.
    """
    return f"{colour} {coats} {rooms} {quick}"


def test_a_tool_is_read_off_its_function() -> None:
    spec = paint.spec
    assert (spec.name, spec.reach, spec.seconds) == ("paint", Reach.WRITE, 7)
    assert spec.description == "Paint a wall in one colour.\n\nTwo paragraphs are both shown."
    assert spec.parameters == snapshot(
        {
            "type": "object",
            "properties": {
                "colour": {"description": "Which one, in words.", "type": "string"},
                "coats": {
                    "default": 1,
                    "description": "How many.",
                    "maximum": 3,
                    "minimum": 1,
                    "type": "integer",
                },
                "rooms": {"items": {"type": "string"}, "type": "array", "description": "Where."},
                "quick": {"default": False, "description": "Whether to hurry.", "type": "boolean"},
            },
            "required": ["colour"],
            "additionalProperties": False,
        }
    )


class Sheen(StrEnum):
    """How it shines."""

    MATT = "matt"
    GLOSS = "gloss"


class Spot(BaseModel):
    """A place on a wall."""

    title: str
    sheen: Sheen = Sheen.MATT


@tool(reach=Reach.WRITE)
async def touch_up(context: ToolContext, sheen: Sheen, spots: list[Spot] | None = None) -> str:
    """Touch up.

    Args:
        context: Not shown.
        sheen: Which one.
        spots: Where.
    """
    return f"{sheen} {spots}"


def test_a_schema_refers_to_nothing_outside_itself() -> None:
    sheen = {"enum": ["matt", "gloss"], "type": "string"}
    spot = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "sheen": {**sheen, "default": "matt"}},
        "required": ["title"],
    }
    assert touch_up.spec.parameters["properties"] == {
        "sheen": {**sheen, "description": "Which one."},
        "spots": {"type": "array", "items": spot, "description": "Where."},
    }


async def test_slips_that_leave_no_doubt_are_taken(context: ToolContext) -> None:
    bound: Tool = paint.bind(context)
    assert await bound.call('{"colour": "red", "coats": "2", "quick": "true"}') == "red 2 None True"
    assert await bound.call('{"colour": 7, "coats": null, "rooms": null}') == "7 1 None False"
    assert await bound.call('\n{"colour": "red", "coats": 3.0, "rooms": ["hall"]} ') == "red 3 ['hall'] False"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("", "'colour' is missing"),
        ("{}", "'colour' is missing"),
        ("null", "the arguments must be a JSON object"),
        ("[]", "the arguments must be a JSON object"),
        (
            '{"colour": "red"',
            "the arguments are not valid JSON (EOF while parsing an object at line 1 column 16)",
        ),
        ('{"colour": null}', "'colour' should be a valid string, not None"),
        (
            '{"colour": "red", "coats": "many"}',
            "'coats' should be a valid integer, unable to parse string as an integer, not 'many'",
        ),
        ('{"colour": "red", "coats": 4}', "'coats' should be less than or equal to 3, not 4"),
        ('{"colour": "red", "rooms": [[]]}', "'rooms.0' should be a valid string, not []"),
        ('{"color": "red"}', "'colour' is missing; there is no parameter 'color'"),
    ],
)
def test_a_wrong_call_is_told_what_is_wrong_and_what_is_allowed(arguments: str, problem: str) -> None:
    usage = "paint(colour: string, coats: integer = 1, rooms: array = null, quick: boolean = False)"
    with pytest.raises(ToolError) as caught:
        paint.parse(arguments)
    assert str(caught.value) == f"paint: {problem}. It is called as {usage}"


@pytest.mark.parametrize(
    "arguments",
    [
        "[" * 1_000_000,
        '{"colour":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"colour": "' + "x" * 10_000_000 + '"}',
        json.dumps({"colour": ["x" * 1_000_000]}),
        json.dumps({f"key {i}": i for i in range(50_000)}),
        '{"' + "k" * 1_000_000 + '": 1}',
        '{"colour": "red", "coats": ' + "9" * 5_000 + "}",
        '{"colour": "red", "coats": 1e999}',
        '{"colour": "red", "coats": NaN}',
        '{"colour": "\\ud800"}',
        '{"colour": "\ud800"}',
        "\0",
    ],
    ids=range(12),
)
def test_hostile_arguments_are_met_with_a_short_refusal(arguments: str) -> None:
    with pytest.raises(ToolError) as caught:
        paint.parse(arguments)
    assert len(str(caught.value)) < 1_000


def test_arguments_are_bounded() -> None:
    with pytest.raises(ToolError, match="do it in smaller steps"):
        paint.parse(" " * (MAX_ARGUMENT_CHARACTERS + 1))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
calls = st.dictionaries(st.sampled_from(["colour", "coats", "rooms", "quick", "x"]), values)


@given(st.one_of(st.text(), st.text(st.characters(categories=["Cs", "Nd", "Po"])), calls.map(json.dumps)))
@settings(max_examples=300, deadline=None)
def test_whatever_the_text_only_a_tool_error_is_raised(arguments: str) -> None:
    try:
        parsed = paint.parse(arguments)
    except ToolError:
        return
    assert isinstance(parsed["colour"], str)
    assert parsed["coats"] in (1, 2, 3)


async def test_a_result_is_bounded_and_says_what_is_missing(context: ToolContext) -> None:
    result = await paint.bind(context).call(json.dumps({"colour": "x" * 100_000}))
    assert MAX_RESULT_CHARACTERS <= len(result) < MAX_RESULT_CHARACTERS + 100
    assert "[68,013 of 100,013 characters left out here]" in result
    assert result.endswith(" 1 None False")


def test_a_parameter_without_description_is_found_at_once() -> None:
    async def bare(context: ToolContext, path: str) -> str:
        """Do.

        Args:
            context: There.
        """
        return path

    with pytest.raises(TypeError, match="Args section of 'bare'"):
        tool(reach=Reach.READ)(bare)


def test_a_definition_is_the_same_each_time() -> None:
    again: FunctionTool = tool(reach=Reach.WRITE, seconds=7)(paint.function)
    assert again.spec.wire == paint.spec.wire
