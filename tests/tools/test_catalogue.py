"""What models are told of the tools, word for word."""

# ruff: noqa: E501 - the texts stand here as they are sent

from __future__ import annotations

import json

from inline_snapshot import snapshot

from anton.core.tool import Reach
from anton.tools.catalogue import TOOLS


def test_each_tool_stands_under_its_name_with_its_reach() -> None:
    assert {
        name: (tool.spec.name, tool.spec.reach.value, tool.spec.seconds) for name, tool in TOOLS.items()
    } == snapshot(
        {
            "read_file": ("read_file", "read", 30.0),
            "list_dir": ("list_dir", "read", 30.0),
            "glob": ("glob", "read", 30.0),
            "grep": ("grep", "read", 20),
            "git_log": ("git_log", "read", 30.0),
            "git_show": ("git_show", "read", 30.0),
            "git_blame": ("git_blame", "read", 30.0),
            "edit_file": ("edit_file", "write", 30.0),
            "write_file": ("write_file", "write", 30.0),
            "apply_patch": ("apply_patch", "write", 30.0),
            "run_tests": ("run_tests", "run", 120),
            "shell": ("shell", "run", 315.0),
            "delegate": ("delegate", "read", 7200.0),
            "memory": ("memory", "read", 30.0),
            "todo": ("todo", "read", 30.0),
            "ask_person": ("ask_person", "read", 30.0),
            "web_fetch": ("web_fetch", "network", 30),
            "web_search": ("web_search", "network", 20),
        }
    )


def test_the_schemas_that_models_read() -> None:
    assert [json.loads(tool.spec.wire)["function"] for tool in TOOLS.values()] == snapshot(
        [
            {
                "name": "read_file",
                "description": """\
Read a text file. Each line comes behind its number and a tab, which are not part of the file.

At most 32,000 characters are returned; lines over 1,000 characters are cut. Binary files and files over 2 MB are only described.\
""",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "path": {
                            "description": "File, relative to the root of the repository.",
                            "type": "string",
                        },
                        "start_line": {
                            "default": 1,
                            "description": "First line to return, counted from 1.",
                            "minimum": 1,
                            "type": "integer",
                        },
                        "max_lines": {
                            "default": 400,
                            "description": "Lines to return, at most 2000.",
                            "maximum": 2000,
                            "minimum": 1,
                            "type": "integer",
                        },
                    },
                    "required": ["path"],
                    "additionalProperties": False,
                },
            },
            {
                "name": "list_dir",
                "description": """\
List a folder as an indented tree: folders first, with a trailing slash; files with their size.

At most 500 entries are returned, and 100 of one folder. `.git`, `.venv`, `__pycache__` and `node_modules` are left out. Links are shown, not followed.\
""",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "path": {
                            "default": ".",
                            "description": "Folder, relative to the root of the repository.",
                            "type": "string",
                        },
                        "depth": {
                            "default": 2,
                            "description": "Levels to list, at most 8.",
                            "maximum": 8,
                            "minimum": 1,
                            "type": "integer",
                        },
                    },
                    "additionalProperties": False,
                },
            },
            {
                "name": "glob",
                "description": """\
Find files by name; returns their paths, sorted, at most 500.

`*` and `?` stand for characters within one name, `**` for any number of folders, `{a,b}` for a choice. A pattern without a slash matches names at any depth. `.git`, `.venv`, `__pycache__` and `node_modules` are left out. Links to folders are not followed.\
""",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "pattern": {
                            "description": "Such as `*.py`, `src/**/test_*.py` or `**/*.{yml,yaml}`.",
                            "maxLength": 200,
                            "type": "string",
                        }
                    },
                    "required": ["pattern"],
                    "additionalProperties": False,
                },
            },
            {
                "name": "grep",
                "description": """\
Search file contents with a regular expression; returns `path:line: text` for every matching line.

At most 200 matches are returned, lines cut at 300 characters. A match lies within one line; escape characters that are special, such as `foo\\(`. Binary files, `.git`, `.venv`, `__pycache__` and `node_modules` are left out. The search ends after 10 seconds.\
""",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "pattern": {
                            "description": "Regular expression without look-around or back-references.",
                            "maxLength": 1000,
                            "minLength": 1,
                            "type": "string",
                        },
                        "path": {
                            "default": ".",
                            "description": "Folder or file to search, relative to the root of the repository.",
                            "type": "string",
                        },
                        "glob": {
                            "maxLength": 200,
                            "type": "string",
                            "description": "Only files that match, such as `*.py`.",
                        },
                        "ignore_case": {
                            "default": False,
                            "description": "Whether upper and lower case are the same.",
                            "type": "boolean",
                        },
                        "context_lines": {
                            "default": 0,
                            "description": "Lines to show before and after each match, at most 10; they come as `path-line- text`.",
                            "maximum": 10,
                            "minimum": 0,
                            "type": "integer",
                        },
                    },
                    "required": ["pattern"],
                    "additionalProperties": False,
                },
            },
            {
                "name": "git_log",
                "description": "List the commits that led to the code as it was given to you, newest first: id, date, author, subject.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "path": {
                            "default": ".",
                            "description": "Only commits that changed this file or folder; leave out for all.",
                            "type": "string",
                        },
                        "limit": {
                            "default": 20,
                            "description": "Commits to list, at most 200.",
                            "maximum": 200,
                            "minimum": 1,
                            "type": "integer",
                        },
                    },
                    "additionalProperties": False,
                },
            },
            {
                "name": "git_show",
                "description": "Show a commit: author, date, message and what it changed (of a merge: against its first parent).",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "commit": {
                            "description": "Id as git_log or git_blame has it, or HEAD, which is the code as it was given to you.",
                            "maxLength": 100,
                            "type": "string",
                        },
                        "path": {
                            "default": ".",
                            "description": "Only the change to this file or folder; leave out for all.",
                            "type": "string",
                        },
                    },
                    "required": ["commit"],
                    "additionalProperties": False,
                },
            },
            {
                "name": "git_blame",
                "description": """\
Tell for each line of a file which commit it is from: id, date, author, subject, then the lines.

The file is as it was given to you, without your changes. At most 200 lines are told of.\
""",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "path": {
                            "description": "File, relative to the root of the repository.",
                            "type": "string",
                        },
                        "start_line": {
                            "description": "First line, counted from 1.",
                            "minimum": 1,
                            "type": "integer",
                        },
                        "end_line": {"description": "Last line.", "minimum": 1, "type": "integer"},
                    },
                    "required": ["path", "start_line", "end_line"],
                    "additionalProperties": False,
                },
            },
            {
                "name": "edit_file",
                "description": """\
Replace a piece of text in a file, quoted exactly; returns the lines around the change.

Line ends and the newline at the file's end are kept as they are.\
""",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "path": {
                            "description": "File, relative to the root of the repository.",
                            "type": "string",
                        },
                        "old": {
                            "description": "Text to replace, with its indentation but without line numbers. It must occur exactly once.",
                            "type": "string",
                        },
                        "new": {
                            "description": "Text to put in its place; empty to delete it.",
                            "type": "string",
                        },
                        "replace_all": {
                            "default": False,
                            "description": "Replace every occurrence instead.",
                            "type": "boolean",
                        },
                    },
                    "required": ["path", "old", "new"],
                    "additionalProperties": False,
                },
            },
            {
                "name": "write_file",
                "description": """\
Create a text file, or replace the whole of one. To change a part of a file, use edit_file.

Missing folders are made. A file that had CRLF line ends or a byte order mark keeps them. At most 1,000,000 characters are taken.\
""",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "path": {
                            "description": "File, relative to the root of the repository.",
                            "type": "string",
                        },
                        "content": {"description": "The whole new content.", "type": "string"},
                    },
                    "required": ["path", "content"],
                    "additionalProperties": False,
                },
            },
            {
                "name": "apply_patch",
                "description": """\
Change, create, rename or remove several files by one patch. It is applied whole or not at all.

Takes a unified diff (`--- a/x.py`, `+++ b/x.py`, `@@ … @@`; `/dev/null` for a file that is created or removed), or `*** Begin Patch`, `*** Update File: x.py`, `*** Add File: …`, `*** Delete File: …`, `*** Move to: …`, `*** End Patch`. Line numbers need not be right: a place is found by its lines, quoted exactly. They occur once in the file, or follow a line of it that stands behind `@@`.\
""",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "patch": {
                            "description": "The patch, at most 1,000,000 characters and 100 files.",
                            "type": "string",
                        }
                    },
                    "required": ["patch"],
                    "additionalProperties": False,
                },
            },
            {
                "name": "run_tests",
                "description": """\
Run the repository's tests on your files as they are now; returns what passed and what failed, and how.

They run in a sandbox without network, on a copy: files that they leave behind are not kept. The run ends after 120 seconds.\
""",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "paths": {
                            "items": {"type": "string"},
                            "type": "array",
                            "description": "Test files or folders, at most 50; leave out for the whole suite.",
                            "maxLength": 50,
                        }
                    },
                    "additionalProperties": False,
                },
            },
            {
                "name": "shell",
                "description": """\
Run a bash command line in your worktree; returns what it printed, its exit code and the folder.

It runs in a sandbox: no network, and nothing but the worktree can be written. `cd` lasts until the next call; variables and functions do not. There is no input to read. What still runs in the background at the end is ended. Of long output the beginning and the end are returned. Files that are not yours to change do not become part of your work, whatever a command does to them.\
""",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "command": {
                            "description": "The command line, at most 20,000 characters. It starts in the folder that the last one ended in, at first the root of the repository.",
                            "maxLength": 20000,
                            "minLength": 1,
                            "type": "string",
                        },
                        "seconds": {
                            "default": 60,
                            "description": "Time limit, at most 300.",
                            "maximum": 300.0,
                            "minimum": 1,
                            "type": "number",
                        },
                    },
                    "required": ["command"],
                    "additionalProperties": False,
                },
            },
            {
                "name": "todo",
                "description": "Write down your steps, where there are many. Give the whole list each time: it replaces the last one.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "items": {
                            "description": "At most 30 steps, each with its mark: `[ ]` to do, `[>]` under way, `[x]` done.",
                            "items": {"maxLength": 300, "type": "string"},
                            "maxItems": 30,
                            "minItems": 1,
                            "type": "array",
                        }
                    },
                    "required": ["items"],
                    "additionalProperties": False,
                },
            },
            {
                "name": "ask_person",
                "description": """\
Ask the people on call one short question that only they can answer: what is meant, what is promised.

It returns at once. Go on meanwhile; an answer, if one comes, reaches you as a note. Never ask what the files or the tests can tell.\
""",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "question": {
                            "description": "One question, at most 600 characters, that can be answered without seeing your work.",
                            "type": "string",
                        }
                    },
                    "required": ["question"],
                    "additionalProperties": False,
                },
            },
            {
                "name": "delegate",
                "description": """\
Have a colleague read for you, where that takes many files and you need only the answer.

An investigator answers a question about the code. A reviewer looks for what is wrong with your changes as they are now. They see your files and change nothing; they know the ticket, and of you only the task. Several tasks of one call are worked on side by side. What comes back are their words, to be checked like any other.\
""",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "to": {
                            "description": "Who does it.",
                            "enum": ["investigator", "reviewer"],
                            "type": "string",
                        },
                        "tasks": {
                            "description": "At most 3, each of at most 4,000 characters, each complete in itself.",
                            "items": {"maxLength": 4000, "minLength": 1, "type": "string"},
                            "maxItems": 3,
                            "minItems": 1,
                            "type": "array",
                        },
                    },
                    "required": ["to", "tasks"],
                    "additionalProperties": False,
                },
            },
            {
                "name": "memory",
                "description": """\
Propose a note for later runs on this repository: a convention, a trap, how something is run.

It is shown to the person who decides on your fix, and kept only if they approve it. Propose what the next engineer would lose time over, not what this ticket was about. Two notes at most are put before them.\
""",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "note": {
                            "description": "One sentence, at most 160 characters, that can be understood without this ticket.",
                            "maxLength": 1000,
                            "minLength": 1,
                            "type": "string",
                        }
                    },
                    "required": ["note"],
                    "additionalProperties": False,
                },
            },
            {
                "name": "web_fetch",
                "description": """\
Read a page of the web as text: documentation, a changelog, an issue. Only from hosts that are listed.

Nothing is sent but the request: no form, no login. At most 1 MiB is read, 32,000 characters are returned.\
""",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "url": {
                            "description": "Beginning with http:// or https://.",
                            "maxLength": 2000,
                            "type": "string",
                        }
                    },
                    "required": ["url"],
                    "additionalProperties": False,
                },
            },
            {
                "name": "web_search",
                "description": "Search the web; returns title, address and a few words of each page. Read one with web_fetch.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "query": {
                            "description": "What to look for; an exact error message in quotes, or a few words.",
                            "maxLength": 400,
                            "minLength": 1,
                            "type": "string",
                        },
                        "limit": {
                            "default": 8,
                            "description": "Pages to return, at most 20.",
                            "maximum": 20,
                            "minimum": 1,
                            "type": "integer",
                        },
                    },
                    "required": ["query"],
                    "additionalProperties": False,
                },
            },
        ]
    )


def test_only_what_reads_may_start_early() -> None:
    early = {t.spec.name for t in TOOLS.values() if t.spec.reach is Reach.READ and not t.spec.in_order}
    looking = {"read_file", "list_dir", "glob", "grep", "git_log", "git_show", "git_blame"}
    assert early == looking | {"todo"}
