"""JSON of a program's own making, for everything that has no module here.

| field                      | meaning                                                                   |
|----------------------------|---------------------------------------------------------------------------|
| `title`                    | one line; needed where there is no `description`                          |
| `description`              | what happened; also as `body`, `text` or `message`                        |
| `id`                       | names what happened: the same id starts one run; without one, the body    |
| `key`                      | the ticket's key; without one, made from `id`                             |
| `reporter`, `url`          | who says so, and where to read more                                       |
| `labels`                   | a list of texts                                                           |
| `repository`, `branch`     | what it is about                                                          |
"""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import AliasChoices, Field

from anton.entrypoints.intake.taken import (
    Listed,
    Payload,
    Taken,
    Words,
    delivery_of,
    hexadecimal,
    read,
    ticket_of,
    who,
)


class _Report(Payload):
    title: Words = ""
    description: Words = Field(
        default="", validation_alias=AliasChoices("description", "body", "text", "message")
    )
    id: Words = ""
    key: Words = ""
    reporter: Words = ""
    url: Words = ""
    labels: Annotated[tuple[Words, ...], Listed] = ()
    repository: Annotated[Words, Field(max_length=200)] = ""
    branch: Annotated[Words, Field(max_length=200)] = ""


def generic(payload: object) -> Taken:
    """The ticket that a program reports.

    Raises:
        UsageError: a field is of another kind than above, or it says nothing.
    """
    report = read(_Report, payload, "a program's own report")
    digest = hexadecimal(json.dumps(payload, sort_keys=True, ensure_ascii=True), 64)
    delivery = delivery_of("api", report.id or digest)
    ticket = ticket_of(
        title=report.title,
        body=report.description,
        key=report.key or f"API-{hexadecimal(delivery)}",
        source="api",
        reporter=report.reporter,
        url=report.url,
        labels=report.labels,
    )
    return Taken(ticket, delivery, who("api", report.reporter), report.repository, report.branch)
