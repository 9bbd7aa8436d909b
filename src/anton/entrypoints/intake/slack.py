"""A slash command of Slack, such as `/oncall checkout fails for guests`.

Source: https://docs.slack.dev/interactivity/implementing-slash-commands
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from anton.core.errors import UsageError
from anton.core.ticket import Ticket
from anton.entrypoints.intake.taken import Ignored, Taken, delivery_of, hexadecimal, ticket_of, who

_LINK = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")


def slack_command(form: Mapping[str, str], demo: Ticket) -> Taken | Ignored:
    """The ticket that somebody wrote behind the command; without a word there, the demo's.

    Slack makes a trigger id for each time that a command is given, so the same text twice is two runs. Every
    run has a key of its own.

    Args:
        form: The fields of the request.
        demo: What an empty command stands for.

    Raises:
        UsageError: the fields are not those of a command.
    """
    if form.get("ssl_check") == "1":
        return Ignored("Slack's check of the certificate: the address works")
    team, user = form.get("team_id", ""), form.get("user_id", "")
    if not form.get("command", "").startswith("/") or not team or not user:
        raise UsageError("this is no slash command of Slack: command, team_id and user_id are needed")
    moment = form.get("trigger_id") or hexadecimal(repr(sorted(form.items())), 64)
    delivery, requested_by = delivery_of("slack", team, moment), who("slack", team, user)
    number = hexadecimal(delivery)
    text = _plain(form.get("text", "")).strip()
    if not text:
        return Taken(replace(demo, key=f"{demo.key}-{number}"), delivery, requested_by)
    first, _, rest = text.partition("\n")
    ticket = ticket_of(
        title=first if len(first) <= 200 else "",
        body=rest if len(first) <= 200 else text,
        key=f"ONCALL-{number}",
        source="slack",
        reporter=form.get("user_name") or user,
    )
    return Taken(ticket, delivery, requested_by)


def _plain(text: str) -> str:
    """Slack's own marks as text: links and mentions between angle brackets, three characters escaped.

    Source: https://docs.slack.dev/messaging/formatting-message-text
    """
    text = _LINK.sub(lambda m: f"{m[2]} ({m[1]})" if m[2] and m[1][:1] not in "@#!" else m[2] or m[1], text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
