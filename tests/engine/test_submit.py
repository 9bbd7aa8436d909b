"""The one way to end."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel

from anton.core.errors import ToolError
from anton.core.report import CodeReport, PullRequestText, TestReport, TriageReport
from anton.core.schema import schema_of
from anton.core.tool import Reach
from anton.engine.submit import SHOWN_ERRORS, submit_for
from tests.engine.bench import Output


@pytest.mark.parametrize("output", [TriageReport, CodeReport, TestReport, PullRequestText])
def test_the_schema_of_submit_is_the_output_type(output: type[BaseModel]) -> None:
    spec = submit_for(output).spec
    assert (spec.name, spec.reach) == ("submit", Reach.SUBMIT)
    assert spec.parameters == schema_of(output)
    assert " ".join((output.__doc__ or "").split()) in spec.description
    assert json.loads(spec.wire)["function"]["parameters"] == schema_of(output)


async def test_what_fits_is_handed_in_as_json() -> None:
    assert await submit_for(Output).call(' { "answer" : 42 } ') == '{"answer":42}'


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("{}", "- 'answer' is missing"),
        ('{"answer": "many"}', "- 'answer' should be a valid integer"),
        ('{"answer": 1, "mood": "good"}', "- there is no parameter 'mood'"),
        ('{"answer": ', "- the arguments are not valid JSON"),
        ("", "- the arguments are not valid JSON"),
        ("[]", "- the arguments must be a JSON object"),
        ("null", "- the arguments must be a JSON object"),
    ],
)
async def test_what_does_not_fit_is_told_field_by_field(arguments: str, line: str) -> None:
    with pytest.raises(ToolError) as error:
        await submit_for(Output).call(arguments)
    first, said, *rest = str(error.value).splitlines()
    assert first == "The result was not accepted:"
    assert said.startswith(line)
    assert rest == ["Correct this and call submit again."]


async def test_many_mistakes_are_counted_and_not_all_told() -> None:
    many = json.dumps({"answer": 1, **{f"extra_{n}": n for n in range(20)}})
    with pytest.raises(ToolError) as error:
        await submit_for(Output).call(many)
    lines = str(error.value).splitlines()
    assert len(lines) == SHOWN_ERRORS + 3
    assert lines[-2] == "- and 12 more"


async def test_a_result_that_no_file_could_hold_is_not_accepted() -> None:
    with pytest.raises(ToolError):
        await submit_for(PullRequestText).call('{"title": "\\ud800"}')
