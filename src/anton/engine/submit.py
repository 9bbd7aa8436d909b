"""The only way an agent ends: it hands in a result of its output type."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from anton.core.errors import ToolError
from anton.core.schema import mistakes, schema_of
from anton.core.tool import Reach, ToolSpec

SHOWN_ERRORS = 8


@dataclass(frozen=True, slots=True)
class Submit:
    """The tool `submit` for one output type. Its text is the accepted result as JSON."""

    spec: ToolSpec
    output: type[BaseModel]

    async def call(self, arguments: str) -> str:
        """The validated result, as JSON.

        Raises:
            ToolError: the arguments are not of the output type; the text lists what is wrong, field by field.
        """
        try:
            return self.output.model_validate_json(arguments).model_dump_json()
        except ValidationError as error:
            raise ToolError(_complaint(error)) from error


def submit_for(output: type[BaseModel]) -> Submit:
    """The `submit` tool whose schema is the output type."""
    description = (
        f"Hand in your result and end your work. {' '.join((output.__doc__ or '').split())} "
        "Call it once, after everything else is done; it is the only way to finish."
    )
    return Submit(ToolSpec("submit", description, schema_of(output), Reach.SUBMIT), output)


def _complaint(error: ValidationError) -> str:
    lines = "\n".join(f"- {mistake}" for mistake in mistakes(error, SHOWN_ERRORS))
    return f"The result was not accepted:\n{lines}\nCorrect this and call submit again."
