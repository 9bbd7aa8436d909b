"""All that Anton needs from the world. Each port has a real adapter and an embedded one in `adapters/`.

| port       | real                               | embedded                          |
|------------|------------------------------------|-----------------------------------|
| Model      | any chat-completions endpoint      | a recording of a true run         |
| Sandbox    | bubblewrap, or Landlock + seccomp  | none: runs nothing unless told to |
| Repository | the `git` command on a bare mirror |                                   |
| Forge      | GitHub                             | pull requests as Markdown files   |
| Tracker    | Jira Cloud                         | tickets as Markdown files         |
| Chat       |                                    | a Markdown file for each run      |
| CI         | GitHub Actions                     | none                              |
| Occurrences| GitHub                             | none                              |
| Journal    | SQLite                             | in memory                         |
| Queue      |                                    | in this process                   |
| Hooks      | programs of the operator           | none                              |
| Web        | pages of listed hosts              | none                              |
| Search     | a SearXNG server                   | none                              |
"""

from anton.core.proof import SandboxLevel
from anton.ports.chat import MAX_POST_CHARACTERS, Board, Chat
from anton.ports.ci import CI, CIRun, FailedTest
from anton.ports.forge import (
    CodeHit,
    CodeSearch,
    Discussion,
    Discussions,
    Forge,
    PullRequestDraft,
    Remark,
)
from anton.ports.hooks import HookAnswer, HookFailure, Hooks
from anton.ports.journal import Journal
from anton.ports.model import Model, ModelRequest
from anton.ports.proving import Proving
from anton.ports.queue import Queue, Work
from anton.ports.repository import BaseCommit, BlamedLine, Past, PastCommit, Repository
from anton.ports.sandbox import Command, Execution, Sandbox
from anton.ports.tracker import Correspondence, Sighting, Tracker
from anton.ports.web import Search, SearchHit, Web, WebPage

__all__ = [
    "CI",
    "MAX_POST_CHARACTERS",
    "BaseCommit",
    "BlamedLine",
    "Board",
    "CIRun",
    "Chat",
    "CodeHit",
    "CodeSearch",
    "Command",
    "Correspondence",
    "Discussion",
    "Discussions",
    "Execution",
    "FailedTest",
    "Forge",
    "HookAnswer",
    "HookFailure",
    "Hooks",
    "Journal",
    "Model",
    "ModelRequest",
    "Past",
    "PastCommit",
    "Proving",
    "PullRequestDraft",
    "Queue",
    "Remark",
    "Repository",
    "Sandbox",
    "SandboxLevel",
    "Search",
    "SearchHit",
    "Sighting",
    "Tracker",
    "Web",
    "WebPage",
    "Work",
]
