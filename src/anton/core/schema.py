"""JSON schemas of pydantic models, as small as a model needs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON schema without titles and with every reference put in place.

    Some endpoints do not follow `$ref`, and titles only repeat the names.
    """
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    schema.pop("description", None)
    plain: dict[str, Any] = _plain(schema, definitions)
    return plain


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
