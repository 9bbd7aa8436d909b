"""From a function to a tool: name, description and JSON schema are read off signature and docstring.

The paragraphs before the docstring's first section become the description; the Args section (Google style)
describes the parameters; defaults and `Annotated` limits become part of the schema. The first parameter is
the ToolContext, which the model does not see.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Concatenate, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator

from anton.core.errors import ToolError
from anton.core.schema import mistakes, schema_of
from anton.core.tool import Prepared, Reach, ToolSpec
from anton.tools.context import Confinement, ToolContext
from anton.tools.excerpt import bounded
from anton.tools.worktree import standing

MAX_ARGUMENT_CHARACTERS = 4_000_000
"""Of one call's JSON text."""
_MAX_PROBLEMS = 4
"""Mistakes of one call that are named."""

ToolFunction = Callable[Concatenate[ToolContext, ...], Awaitable[str]]
PublishingFunction = Callable[Concatenate[ToolContext, ...], Awaitable[Prepared]]


class _Arguments(BaseModel):
    """Lenient where a model's slip leaves no doubt: `"12"` for a number, null for what may be left out."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _take_null_as_left_out(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        optional = {name for name, field in cls.model_fields.items() if not field.is_required()}
        return {key: value for key, value in given.items() if value is not None or key not in optional}


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """A tool that is not yet bound to an agent's surroundings."""

    spec: ToolSpec
    function: ToolFunction
    arguments: type[BaseModel]
    escapable: bool = False
    """Whether it heeds the context's confinement."""

    def bind(self, context: ToolContext) -> BoundTool:
        """The tool at work on one agent's tree."""
        return EscapableTool(self, context) if self.escapable else BoundTool(self, context)

    def parse(self, arguments: str) -> dict[str, object]:
        """The call's arguments by name.

        Raises:
            ToolError: they are not what the schema asks for; every mistake is named with what is allowed.
        """
        return _parsed(self.spec, self.arguments, arguments)


@dataclass(frozen=True, slots=True)
class BoundTool:
    """A `core.tool.Tool`."""

    tool: FunctionTool
    context: ToolContext

    @property
    def spec(self) -> ToolSpec:
        """Name, description, schema and reach."""
        return self.tool.spec

    async def call(self, arguments: str) -> str:
        """Carry out one call; the result is bounded.

        Raises:
            ToolError: the arguments are wrong, or the tool refused or failed.
        """
        return bounded(await self.tool.function(self.context, **self.tool.parse(arguments)))


@dataclass(frozen=True, slots=True)
class EscapableTool(BoundTool):
    """A `core.tool.Escapable`: what it runs in the sandbox it can also run outside."""

    async def folder(self) -> str:
        """The folder that the next command starts in: the one of the last, as long as it is there."""
        terminal = self.context.terminal
        return await asyncio.to_thread(standing, self.context.worktree, terminal.folder) if terminal else ""

    async def call_outside(self, arguments: str) -> str:
        """Carry out one call outside the sandbox, as a person has said that it may.

        Raises:
            ToolError: the arguments are wrong, or the tool failed.
        """
        outside = replace(self.context, confinement=Confinement.OUTSIDE)
        return await BoundTool(self.tool, outside).call(arguments)


@dataclass(frozen=True, slots=True)
class PublishingTool:
    """A tool whose calls others see, not yet bound to an agent's surroundings."""

    spec: ToolSpec
    function: PublishingFunction
    arguments: type[BaseModel]

    def bind(self, context: ToolContext) -> BoundPublishing:
        """The tool at work for one agent."""
        return BoundPublishing(self, context)


@dataclass(frozen=True, slots=True)
class BoundPublishing:
    """A `core.tool.Publishing`."""

    tool: PublishingTool
    context: ToolContext

    @property
    def spec(self) -> ToolSpec:
        """Name, description, schema and reach."""
        return self.tool.spec

    async def call(self, arguments: str) -> str:
        """Nothing is made that nobody was shown.

        Raises:
            ToolError: always.
        """
        await self.prepare(arguments)
        raise ToolError(f"{self.spec.name} was not carried out: nobody was asked")

    async def prepare(self, arguments: str) -> Prepared:
        """Make one call ready.

        Raises:
            ToolError: the arguments are wrong, or the tool refused.
        """
        given = _parsed(self.spec, self.tool.arguments, arguments)
        return await self.tool.function(self.context, **given)


def tool(
    *, reach: Reach, seconds: float = 30.0, in_order: bool = False, escapable: bool = False
) -> Callable[[ToolFunction], FunctionTool]:
    """Make a tool of an async function whose first parameter is the ToolContext.

    Args:
        reach: How far its effects go.
        seconds: Time limit of one call.
        in_order: Whether a call waits until the reply is whole, though it changes nothing of the worktree.
        escapable: Whether it can do outside the sandbox what it does inside, as the context says.

    Raises:
        TypeError: a parameter has no description, or there is a description without a parameter.
    """

    def define(function: ToolFunction) -> FunctionTool:
        spec, arguments = _read(function, reach, seconds, in_order=in_order)
        return FunctionTool(spec, function, arguments, escapable)

    return define


def publishing(*, seconds: float = 30.0) -> Callable[[PublishingFunction], PublishingTool]:
    """Make a tool of an async function that makes a call ready which others will see.

    Args:
        seconds: Time limit of one call; waiting for the person who is asked does not count.

    Raises:
        TypeError: a parameter has no description, or there is a description without a parameter.
    """

    def define(function: PublishingFunction) -> PublishingTool:
        spec, arguments = _read(function, Reach.OUTSIDE, seconds, in_order=True)
        return PublishingTool(spec, function, arguments)

    return define


def _read(
    function: ToolFunction | PublishingFunction, reach: Reach, seconds: float, *, in_order: bool
) -> tuple[ToolSpec, type[BaseModel]]:
    name = function.__name__
    description, described = _docstring(function)
    parameters = list(inspect.signature(function).parameters.values())
    if [p.name for p in parameters] != list(described):
        raise TypeError(f"the Args section of {name!r} must describe exactly its parameters, in order")
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, object] = {
        p.name: (
            hints[p.name],
            Field(... if p.default is p.empty else p.default, description=described[p.name]),
        )
        for p in parameters[1:]
    }
    # The overloads of create_model cannot see through `**`.
    arguments: type[BaseModel] = create_model(name, __base__=_Arguments, **fields)  # type: ignore[call-overload]
    return ToolSpec(name, description, _schema(arguments), reach, seconds, in_order), arguments


def _parsed(spec: ToolSpec, model: type[BaseModel], arguments: str) -> dict[str, object]:
    if len(arguments) > MAX_ARGUMENT_CHARACTERS:
        raise ToolError(
            f"{spec.name}: the arguments are {len(arguments):,} characters long, "
            f"at most {MAX_ARGUMENT_CHARACTERS:,} are taken; do it in smaller steps"
        )
    try:
        parsed = model.model_validate_json(arguments.strip() or "{}")
    except ValidationError as error:
        problems = "; ".join(mistakes(error, _MAX_PROBLEMS))
        text = f"{spec.name}: {problems}. It is called as {_usage(spec)}"
        raise ToolError(text) from error
    return {name: getattr(parsed, name) for name in model.model_fields}


def _docstring(function: ToolFunction | PublishingFunction) -> tuple[str, dict[str, str]]:
    """The paragraphs before the first section, and what the Args section says of each parameter."""
    prose, _, sections = (inspect.getdoc(function) or "").partition("\nArgs:\n")
    section = re.split(r"^\S", sections, maxsplit=1, flags=re.MULTILINE)[0]
    entries = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section, flags=re.MULTILINE)
    paragraphs = [" ".join(paragraph.split()) for paragraph in prose.strip().split("\n\n")]
    return "\n\n".join(paragraphs), {name: " ".join(text.split()) for name, text in entries}


def _schema(arguments: type[BaseModel]) -> Mapping[str, object]:
    """The parameters' schema with nothing in it that a model has no use for."""
    schema = schema_of(arguments)
    properties = {name: _trimmed(described) for name, described in schema.get("properties", {}).items()}
    required = {"required": schema["required"]} if "required" in schema else {}
    return {"type": "object", "properties": properties, **required, "additionalProperties": False}


def _trimmed(described: Mapping[str, object]) -> dict[str, object]:
    """One property without null where it may simply be left out."""
    trimmed = {key: value for key, value in sorted(described.items()) if key != "anyOf"}
    choices = described.get("anyOf")
    if isinstance(choices, list):
        kept = [choice for choice in choices if choice != {"type": "null"}]
        trimmed = {**kept[0], **trimmed} if len(kept) == 1 else {"anyOf": kept, **trimmed}
    if trimmed.get("default", ...) is None:
        del trimmed["default"]
    return trimmed


def _usage(spec: ToolSpec) -> str:
    """`read_file(path: string, start_line: integer = 1)`."""
    properties = spec.parameters["properties"]
    required = spec.parameters.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        raise TypeError(f"the schema of {spec.name!r} is not one that `tool` makes")
    shown = [
        f"{name}: {described.get('type', 'any')}"
        + ("" if name in required else f" = {described.get('default', 'null')}")
        for name, described in properties.items()
    ]
    return f"{spec.name}({', '.join(shown)})"
