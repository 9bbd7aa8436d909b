"""Schemas as small as a model needs them."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from anton.core.report import CodeReport, PullRequestText, TestReport, TriageReport
from anton.core.schema import schema_of


class Colour(StrEnum):
    """Of a wall."""

    RED = "red"
    BLUE = "blue"


class Wall(BaseModel):
    """A wall."""

    colour: Colour = Field(description="What it is painted in.")
    title: str
    """A field that is called as the keyword that is dropped."""


class House(BaseModel):
    """A house."""

    walls: Annotated[list[Wall], Field(max_length=4)]
    properties: dict[str, int] = Field(default_factory=dict)


def test_references_are_put_in_place_and_titles_are_gone() -> None:
    assert schema_of(House) == {
        "type": "object",
        "required": ["walls"],
        "properties": {
            "walls": {
                "type": "array",
                "maxItems": 4,
                "items": {
                    "type": "object",
                    "required": ["colour", "title"],
                    "properties": {
                        "colour": {
                            "type": "string",
                            "enum": ["red", "blue"],
                            "description": "What it is painted in.",
                        },
                        "title": {"type": "string"},
                    },
                },
            },
            "properties": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
    }


@pytest.mark.parametrize("output", [TriageReport, CodeReport, TestReport, PullRequestText])
def test_no_schema_of_ours_needs_references(output: type[BaseModel]) -> None:
    text = json.dumps(schema_of(output))
    assert "$ref" not in text
    assert "$defs" not in text
    assert schema_of(output)["additionalProperties"] is False


def test_the_same_model_gives_the_same_bytes() -> None:
    assert json.dumps(schema_of(House)) == json.dumps(schema_of(House))
