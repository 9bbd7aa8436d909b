"""The bug ticket, whatever system it came from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from anton.core.text import visible

MAX_BODY_CHARACTERS = 64_000
"""What an agent reads of a ticket; the rest is cut with a notice. A page of prose is about 3,000."""

MAX_SLUG_CHARACTERS = 60
"""Of a key in a branch name: git keeps a branch in a file of that name."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A bug report. All of its text came from outside and is data, never an instruction to Anton."""

    key: str
    """As the tracker names it, such as `BUG-42`."""
    title: str
    body: str
    reporter: str = ""
    source: str = "cli"
    """`cli`, `local`, `slack`, `jira`, `github`, `ci`, `sentry`, `pagerduty`, `alertmanager`, `api`."""
    url: str = ""
    labels: tuple[str, ...] = ()
    hidden_characters: int = 0
    """How many that a person cannot see were removed from the text."""

    @property
    def slug(self) -> str:
        """The key as a part of a branch name: lower case, `[a-z0-9-]` only, MAX_SLUG_CHARACTERS at most."""
        words = re.sub(r"[^a-z0-9]+", "-", self.key.lower()).strip("-")
        return words[:MAX_SLUG_CHARACTERS].rstrip("-") or "bug"


def ticket_from_text(text: str, *, key: str, reporter: str = "", source: str = "cli") -> Ticket:
    """A ticket from free text: its first line is the title, a leading `#` is dropped.

    Text longer than MAX_BODY_CHARACTERS is cut, and the cut and any hidden characters are named in the body.

    Raises:
        ValueError: there is nothing to read in the text.
    """
    cleaned, hidden = visible(text)
    cleaned = cleaned.strip()
    if not cleaned:
        raise ValueError("the ticket is empty")
    first, _, rest = cleaned.partition("\n")
    title = first.lstrip("# ").strip() or "Untitled bug"
    body = rest.strip() if len(first) <= 200 else cleaned
    body = body or cleaned
    notices = []
    if len(body) > MAX_BODY_CHARACTERS:
        notices.append(f"[cut: {len(body) - MAX_BODY_CHARACTERS:,} of {len(body):,} characters left out]")
        body = body[:MAX_BODY_CHARACTERS]
    if hidden:
        notices.append(f"[{hidden:,} hidden characters were removed]")
    return Ticket(key, title[:200], "\n\n".join([body, *notices]), reporter, source, hidden_characters=hidden)


def ticket_text(title: str, body: str, facts: Mapping[str, str]) -> str:
    """A title, a text and lines such as `Priority: High`, as one text for `ticket_from_text`.

    Whatever is empty is left out.
    """
    heading = " ".join(title.split())
    lines = [f"{name}: {' '.join(value.split())}" for name, value in facts.items() if value.strip()]
    text = "\n\n".join(part for part in (body.strip(), "\n".join(lines)) if part)
    return f"# {heading}\n\n{text}" if heading and text else heading or text
