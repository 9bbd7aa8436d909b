"""What people may be told of a fault: a sentence, and nothing of how Anton is made."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from tests.counterparts.chat_completions import KEY
from tests.counterparts.git_host import TOKEN
from tests.counterparts.jira import TOKEN as JIRA_TOKEN
from tests.counterparts.slack import TOKEN as SLACK_TOKEN

INSIDE = re.compile(
    r"Traceback|a mistake in Anton|validation error|pydantic|object at 0x|\[type=|instance of _"
    r"|\b(Key|Attribute|Type|Value|Index|Assertion)Error\b"
)
MOST_CHARACTERS = 1_500


def assert_plain(sentences: Iterable[str], caplog: pytest.LogCaptureFixture) -> None:
    """Short, without secrets and without the words of a programmer; and nothing was logged as broken."""
    for said in sentences:
        assert said, "a reason without words"
        assert not INSIDE.search(said), said
        assert len(said) <= MOST_CHARACTERS, said
        assert not [secret for secret in (KEY, TOKEN, JIRA_TOKEN, SLACK_TOKEN) if secret in said], said
    broken = [
        record for record in caplog.records if record.exc_info and record.name.startswith(("anton", "slack"))
    ]
    assert [record.getMessage() for record in broken] == []
