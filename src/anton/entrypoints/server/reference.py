"""The API on one page, from its own OpenAPI description; nothing is fetched from anywhere."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)


@router.get("/docs", response_class=HTMLResponse)
async def reference(request: Request) -> str:
    """Every route: what it does, what it takes, what it answers."""
    described = request.app.openapi()
    routes = "".join(
        _route(path, method, operation)
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
    )
    shapes = "".join(_shape(name, shape) for name, shape in described["components"]["schemas"].items())
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Anton's API</title>"
        '<meta name=viewport content="width=device-width"><meta name=color-scheme content="light dark">'
        f"<main><h1>Anton's API</h1><p>{escape(described['info']['summary'])} The same for machines: "
        f'<a href="/openapi.json">openapi.json</a>.</p>{routes}<h2>Shapes</h2>{shapes}</main></html>'
    )


def _route(path: str, method: str, operation: dict[str, Any]) -> str:
    taken = "".join(f"<li>{_parameter(each)}</li>" for each in operation.get("parameters", ()))
    if body := operation.get("requestBody"):
        taken += "".join(
            f"<li>body <code>{escape(kind)}</code>: {_kind(each['schema'])}</li>"
            for kind, each in body["content"].items()
        )
    answers = "".join(
        f"<li><code>{escape(status)}</code> {escape(answer['description'])}</li>"
        for status, answer in operation["responses"].items()
    )
    return (
        f"<h3><code>{escape(method.upper())} {escape(path)}</code></h3>"
        f"<p>{escape(operation.get('description', ''))}</p><ul>{taken}</ul><p>Answers</p><ul>{answers}</ul>"
    )


def _parameter(parameter: dict[str, Any]) -> str:
    name, place = escape(parameter["name"]), escape(parameter["in"])
    return f"{place} <code>{name}</code>: {_kind(parameter['schema'])}"


def _shape(name: str, shape: dict[str, Any]) -> str:
    fields = "".join(
        f"<li><code>{escape(field)}</code>: {_kind(each)}</li>"
        for field, each in shape.get("properties", {}).items()
    )
    said = escape(shape.get("description", ""))
    return f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{said}</p><ul>{fields}</ul>'


def _kind(schema: dict[str, Any]) -> str:
    if reference := schema.get("$ref"):
        name = escape(reference.rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if choices := schema.get("anyOf"):
        return " or ".join(_kind(choice) for choice in choices)
    if items := schema.get("items"):
        return f"list of {_kind(items)}"
    if values := schema.get("enum"):
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in values)
    return escape(str(schema.get("format") or schema.get("type", "anything")))
