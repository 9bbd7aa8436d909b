"""What a model is told of a pydantic model: its JSON schema, as small as can be, and mistakes against it."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON schema without titles and with every reference put in place.

    Some endpoints do not follow `$ref`, and titles only repeat the names.
    """
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    schema.pop("description", None)
    plain: dict[str, Any] = _plain(schema, definitions)
    return plain


def mistakes(error: ValidationError, most: int) -> tuple[str, ...]:
    """The first few mistakes, each in words that say what is allowed; the rest is counted."""
    found = error.errors(include_url=False, include_context=False)
    more = (f"and {len(found) - most} more",) if len(found) > most else ()
    return (*map(_mistake, found[:most]), *more)


def _plain(value: Any, definitions: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON is of any shape
    if isinstance(value, list):
        return [_plain(item, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        target = dict(definitions[value["$ref"].rsplit("/", 1)[-1]])
        target.pop("description", None)
        return _plain(target | {k: v for k, v in value.items() if k != "$ref"}, definitions)
    return {
        key: {name: _plain(field, definitions) for name, field in item.items()}
        if key == "properties"
        else _plain(item, definitions)
        for key, item in value.items()
        if not (key == "title" and isinstance(item, str))
    }


def _mistake(detail: ErrorDetails) -> str:
    where = ".".join(str(part) for part in detail["loc"])[:60]
    match detail["type"]:
        case "json_invalid":
            return f"the arguments are not valid JSON ({detail['msg'].removeprefix('Invalid JSON: ')})"
        case "model_type" | "model_attributes_type":
            return "the arguments must be a JSON object"
        case "missing":
            return f"{where!r} is missing"
        case "extra_forbidden":
            return f"there is no parameter {where!r}"
        case _:
            wanted = detail["msg"].removeprefix("Input ")
            return f"{where!r} {wanted}, not {reprlib.repr(detail['input'])}"
