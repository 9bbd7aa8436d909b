"""What `anton trigger` makes of a server's answer, and by which way it goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from anton.core.errors import UsageError
from anton.entrypoints.composition import SlackAccess
from anton.entrypoints.server.trigger import _as_slack, _said
from tests.entrypoints.server.served import an_anton, an_office

HERE = "http://127.0.0.1:8000"


def test_what_slack_would_tell_only_the_person_is_a_refusal() -> None:
    answer = httpx2.Response(200, json={"response_type": "ephemeral", "text": "not the workspace"})
    with pytest.raises(UsageError, match="the server refused: not the workspace"):
        _said(answer, HERE)


def test_what_is_told_to_the_channel_is_told() -> None:
    answer = httpx2.Response(200, json={"response_type": "in_channel", "text": "Anton is on it"})
    assert _said(answer, HERE) == "Anton is on it"


@pytest.mark.parametrize(
    ("token", "team", "heard"), [("", "", True), ("xoxb-1", "", False), ("xoxb-1", "T1", True)]
)
def test_it_goes_by_slack_only_where_it_would_be_heard(
    tmp_path: Path, token: str, team: str, heard: bool
) -> None:
    serving = an_anton(an_office(tmp_path), secrets={"slack": "a-secret"}).serving
    access = SlackAccess(token, "a-secret", "", team, "http://127.0.0.1:9/api/")
    assert _as_slack(replace(serving, slack=access)) is heard
    assert not _as_slack(replace(serving, slack=access, secrets={}))
