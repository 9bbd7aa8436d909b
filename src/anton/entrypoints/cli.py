"""The command line. Commands are imported when they are called, so that `anton --help` stays quick."""

from __future__ import annotations

from importlib import import_module
from typing import ClassVar

import click

from anton import __version__


class LazyGroup(click.Group):
    """A group whose commands are named by module and attribute."""

    commands_by_name: ClassVar[dict[str, tuple[str, str, str]]] = {
        "demo": ("start", "demo", "Repair the demo service: the whole way, without any key."),
        "fix": ("start", "fix", "Repair a bug in a local git repository."),
        "chat": ("chat.command", "chat", "Talk with Anton about a repository; your checkout stays as it is."),
        "approve": ("decide", "approve", "Approve a run: push the branch, open the pull request."),
        "request-changes": ("decide", "request_changes", "Send a run back to the agents with a text."),
        "decline": ("decide", "decline", "Decline a run: nothing is pushed."),
        "answer": ("letters", "answer", "Answer a question of a run."),
        "tell": ("letters", "tell", "Tell the agents something while they work."),
        "cancel": ("letters", "cancel", "Stop a run, whoever works on it."),
        "resume": ("decide", "resume", "Go on with a run that was interrupted."),
        "runs": ("look", "runs", "List the runs."),
        "show": ("look", "show", "Show a run: briefing, proof, diff, what happened when."),
        "memory": ("memory", "memory", "Show what agents are told of a repository from earlier runs."),
        "serve": ("server.command", "serve_command", "Take in tickets by HTTP and work them off."),
        "worker": ("server.worker", "worker_command", "Work off runs that other machines take in."),
        "trigger": ("server.trigger", "trigger_command", "Fire a ticket at a running server."),
        "link": ("link", "link", "Print a signed link to the page, for somebody else."),
        "config": ("config", "config_command", "Show the settings in force and where each comes from."),
        "verify": ("verify", "verify", "Check a proof bundle and execute it again."),
        "mcp": ("mcp", "mcp", "List MCP servers and their tools; reach them; consent to changes."),
        "plugins": ("plugins", "plugins", "List the plugins and what each adds."),
        "gc": ("housekeeping", "gc", "Throw away what no run needs any more."),
        "export": ("housekeeping", "export_command", "Write a run that is over to one file."),
        "import": ("housekeeping", "import_command", "Take in a run that was exported."),
        "doctor": ("look", "doctor", "Say which side each port is on, and prove the sandbox by trying."),
    }
    """Command → module in this package, attribute, help in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order in which a newcomer needs them."""
        return list(self.commands_by_name)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module and take the command from it."""
        if cmd_name not in self.commands_by_name:
            return None
        module, attribute, _ = self.commands_by_name[cmd_name]
        command: click.Command = getattr(import_module(f"anton.entrypoints.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in self.commands_by_name.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="anton")
def anton() -> None:
    """Anton, an on-call engineer: a bug ticket in, a proved fix before you, nothing pushed unasked."""
