"""`anton trigger`: fires a ticket at a running server, as Slack would, or by the API without Slack."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import click
import httpx2
from rich.console import Console

from anton.core.errors import OutsideError, UsageError
from anton.entrypoints.composition import Anton, Compose, Serving, Wish
from anton.entrypoints.server.listen import is_own
from anton.entrypoints.session import Seat
from anton.entrypoints.speaking import speaking
from anton.entrypoints.start import config_option

SECONDS = 10.0


@click.command("trigger")
@click.argument("text", default="")
@click.option("--url", default="", help="Of the server.  [default: as server.host and server.port say]")
@config_option
@click.pass_obj
@speaking
def trigger_command(compose: Compose, text: str, url: str, config: Path | None) -> None:
    """Fire TEXT at a running server as a ticket; without TEXT it is the demo's."""

    async def step(anton: Anton) -> Serving:
        return anton.serving

    serving = Seat(compose, Wish(config=config, looking=True), Console()).run(step)
    address = (url or _address(serving)).rstrip("/")
    shot = _signed(serving, text) if _as_slack(serving) else _by_api(serving, text)
    try:
        answer = httpx2.post(
            f"{address}{shot.path}",
            content=shot.body,
            headers=shot.headers,
            timeout=SECONDS,
            trust_env=False,
        )
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise OutsideError(
            f"no server answers at {address!r} ({error}): start one with anton serve"
        ) from error
    click.echo(_said(answer, address))


@dataclass(frozen=True, slots=True)
class Shot:
    """A request to a server."""

    path: str
    body: bytes
    headers: dict[str, str]


def _address(serving: Serving) -> str:
    host = serving.host if is_own(serving.host) else "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{serving.port}"


def _as_slack(serving: Serving) -> bool:
    """Whether a command from here would be heard: a server takes those of one workspace only."""
    access = serving.slack
    return "slack" in serving.secrets and (access is None or bool(access.team) or not access.bot_token)


def _by_api(serving: Serving, text: str) -> Shot:
    token = next(iter(serving.tokens.values()), "") or serving.own_token()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return Shot("/runs", json.dumps({"text": text}).encode(), headers)


def _signed(serving: Serving, text: str) -> Shot:
    """A slash command, signed as Slack signs it.

    Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    form = {
        "command": "/oncall",
        "text": text,
        "team_id": (serving.slack and serving.slack.team) or "T0TRIGGER",
        "channel_id": "C0TRIGGER",
        "user_id": "U0TRIGGER",
        "user_name": "anton-trigger",
        "trigger_id": secrets.token_hex(16),
    }
    body, stamp = urlencode(form).encode(), str(int(time.time()))
    digest = hmac.new(
        serving.secrets["slack"].encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256
    ).hexdigest()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
    }
    return Shot("/webhook/slack/command", body, headers)


def _said(answer: httpx2.Response, address: str) -> str:
    """What to tell the person.

    Raises:
        UsageError: the server refused.
    """
    try:
        told = answer.json()
    except ValueError:
        told = {}
    if not isinstance(told, dict):
        told = {}
    if answer.status_code >= 400:
        raise UsageError(
            f"the server refused ({answer.status_code}): {told.get('detail') or answer.text[:300]}"
        )
    if told.get("response_type") == "ephemeral":  # how a refusal is put to somebody in Slack
        raise UsageError(f"the server refused: {told.get('text')}")
    if told.get("run"):
        return f"{told['detail']}: {address}/runs/{told['run']}"
    return str(told.get("text") or told.get("detail") or answer.text[:300] or "The server took it in.")
