"""All tools by name. What an agent may use of them stands in its roster."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from anton.tools.ask import ask_person
from anton.tools.define import FunctionTool, PublishingTool
from anton.tools.delegate import delegate
from anton.tools.edit import edit_file, write_file
from anton.tools.files import glob, list_dir, read_file
from anton.tools.github import github_issue, github_search
from anton.tools.history import git_blame, git_log, git_show
from anton.tools.jira import jira_close, jira_comment, jira_read
from anton.tools.memory import memory
from anton.tools.patch import apply_patch
from anton.tools.pull_request import open_pull_request
from anton.tools.remember import remember
from anton.tools.search import grep
from anton.tools.shell import shell
from anton.tools.slack import slack_post
from anton.tools.testing import run_tests
from anton.tools.todo import todo
from anton.tools.web import web_fetch, web_search

_ALL = (
    *(read_file, list_dir, glob, grep),
    *(git_log, git_show, git_blame),
    *(edit_file, write_file, apply_patch),
    *(run_tests, shell, todo, ask_person, delegate, memory),
    *(web_fetch, web_search),
)

TOOLS: Mapping[str, FunctionTool] = MappingProxyType({tool.spec.name: tool for tool in _ALL})

_FOR_A_PERSON: tuple[FunctionTool | PublishingTool, ...] = (
    *(github_issue, github_search, open_pull_request),
    *(jira_read, jira_comment, jira_close),
    *(slack_post, remember),
)

FOR_A_PERSON: Mapping[str, FunctionTool | PublishingTool] = MappingProxyType(
    {tool.spec.name: tool for tool in _FOR_A_PERSON}
)
"""Tools of an agent that a person talks with; no agent of a run can have them."""
