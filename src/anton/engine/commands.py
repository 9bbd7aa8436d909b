"""What a command line would do, judged before it runs: its danger, its reach, what it writes.

The line is parsed, never matched as text (`shell_syntax`), and every simple command in it is judged by rules
that are data (`command_rules`), through all launchers: `sudo env X=1 xargs sh -c '…'` is judged by what is in
the quotes. Nothing is vouched for unless a second reading agrees (`shell_words`). This decides whether a
person is asked; what holds a command is the sandbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from anton.core.permission import REACHES, Danger, Decision, Policy, decide, widest, worst
from anton.core.tool import Reach
from anton.engine.command_rules import (
    CommandRule,
    Interpreter,
    Launcher,
    Rules,
    Writer,
    basename,
    may_be_anything,
    named,
)
from anton.engine.interpreters import InterpreterCall, read_call
from anton.engine.path_scope import WORKTREE, Scope
from anton.engine.safe_rules import SafeRule
from anton.engine.shell_command import Kind, Redirect, Simple, Unparsable, Word
from anton.engine.shell_syntax import parse
from anton.engine.shell_words import as_plain, plain_commands

MAX_NESTING = 6
"""Command lines within command lines."""
HIDES = "hides what it runs"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one command of a line."""

    danger: Danger
    reach: Reach
    reason: str
    """Goes on after the command: `removes whole trees`."""
    command: str = ""
    """Its name, or as much of it as was written."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is to be said of a whole command line."""

    danger: Danger
    reach: Reach
    commands: tuple[str, ...]
    """Every command that it runs, as far as can be told, with its words; also those inside others."""
    reason: str
    """For a person who is asked, and for the model that is refused: the worst that was found."""
    writes: tuple[str, ...]
    """Paths that it names as written; an expansion stands as it was written."""
    findings: tuple[Finding, ...]


def assess(text: str, rules: Rules, scope: Scope = WORKTREE) -> Assessment:
    """Judge a command line. Never raises, whatever the text.

    Args:
        text: As bash would be given it.
        rules: See `rule_examples.load_rules`.
        scope: The worktree, and the folder in it that the line starts in.
    """
    judge = _Judge(rules, scope)
    judge.line(text, 0)
    findings = tuple(judge.findings)
    danger = worst(*(finding.danger for finding in findings))
    reach = widest(*(finding.reach for finding in findings))
    first = max(findings, key=lambda finding: (finding.danger is danger, REACHES.index(finding.reach)))
    reason = f"{first.command}: {first.reason}" if first.command else first.reason
    writes = tuple(dict.fromkeys(judge.writes))
    return Assessment(danger, reach, tuple(judge.commands), reason, writes, findings)


def permit(policy: Policy, found: Assessment, *, sandboxed: bool) -> Decision:
    """What the policy says of a command line that was judged; the reason says what was found, too."""
    decision = decide(policy, found.reach, found.danger, sandboxed=sandboxed)
    return replace(decision, reason=f"{decision.reason} ({found.reason})")


class _Judge:
    """Collects findings; the scope changes as the line changes folders."""

    def __init__(self, rules: Rules, scope: Scope) -> None:
        self.rules = rules
        self.scope = scope
        self.findings: list[Finding] = []
        self.commands: list[str] = []
        self.writes: list[str] = []
        self.name = ""

    def find(self, danger: Danger, reach: Reach, reason: str) -> None:
        self.findings.append(Finding(danger, reach, reason, self.name))

    def line(self, text: str, depth: int) -> None:
        """Judge a command line, at some depth within others."""
        self.name = ""
        parsed = parse(text)
        if depth > MAX_NESTING:
            self.find(Danger.DANGEROUS, Reach.RUN, f"{HIDES}: command lines are nested too deep")
        elif isinstance(parsed, Unparsable):
            self.find(Danger.DANGEROUS, Reach.RUN, f"nobody can say what this does: {parsed.reason}")
        else:
            for function in parsed.functions:
                self._function(function)
            for command in parsed.commands:
                self.simple(command, depth)
            self.name = ""
            if plain_commands(text) != as_plain(parsed.commands):
                self.find(Danger.UNKNOWN, Reach.RUN, "it is not plain enough to be vouched for")
            elif not parsed.commands:
                self.find(Danger.UNKNOWN, Reach.RUN, "it holds no command")

    def _function(self, name: str) -> None:
        self.name = name
        if name.isidentifier() and not self._is_known(name):
            self.find(Danger.UNKNOWN, Reach.RUN, "is defined here")
        else:
            self.find(Danger.DANGEROUS, Reach.RUN, "is given another meaning")

    def _is_known(self, name: str) -> bool:
        rules = self.rules
        known: tuple[SafeRule | CommandRule | Launcher | Interpreter | Writer, ...] = (
            *rules.safe,
            *rules.dangerous,
            *rules.launcher,
            *rules.interpreter,
            *rules.network,
            *rules.writer,
        )
        return any(named(name, rule.commands) for rule in known)

    def simple(self, command: Simple, depth: int) -> None:
        """Judge one simple command, its redirections and assignments included."""
        argv, known = command.argv, len(self.findings)
        self.name = basename(argv[0]) if argv else ""
        for name, value in command.assignments:
            self._assignment(name, value, in_front=bool(argv))
        for redirect in command.redirects:
            self._redirect(redirect)
        if argv:
            self.commands.append(" ".join(word.text for word in argv))
            self._argv(command, depth)
        if len(self.findings) == known:
            self.find(Danger.UNKNOWN, Reach.RUN, "nothing is known of it")

    def _assignment(self, name: str, value: Word, *, in_front: bool) -> None:
        environment = self.rules.environment
        if named(name, environment.dangerous):
            self.find(Danger.DANGEROUS, Reach.RUN, f"the variable {name} changes what programs do")
        elif (
            name not in environment.names or value.kind is not Kind.PLAIN or "/" in value.text or not in_front
        ):
            self.find(Danger.UNKNOWN, Reach.RUN, f"the variable {name} is set")

    def _redirect(self, redirect: Redirect) -> None:
        target = redirect.target
        match redirect.operator:
            case "<<" | "<<<":
                return
            case ">&" | "<&" | ">&-" | "<&-" if (
                target.kind is Kind.PLAIN and target.text.strip("0123456789-") == ""
            ):
                return
            case "<":
                if target.kind is not Kind.PLAIN or self.scope.is_outside(target):
                    self.find(
                        Danger.UNKNOWN, Reach.OUTSIDE, f"may read {target.text!r}, outside the worktree"
                    )
                self._names(target, writes=False)
            case _ if target.text != "/dev/null":
                self.write(target)
        if target.text.startswith(("/dev/tcp", "/dev/udp")):
            self.find(Danger.DANGEROUS, Reach.NETWORK, "opens a connection")

    def write(self, target: Word) -> None:
        """Something is written to a path."""
        self.writes.append(target.text)
        if target.kind is not Kind.PLAIN or self.scope.is_outside(target):
            self.find(Danger.UNKNOWN, Reach.OUTSIDE, f"may write {target.text!r}, outside the worktree")
        else:
            self.find(Danger.UNKNOWN, Reach.WRITE, f"writes {target.text!r}")
        if target.text.startswith(("/dev/", "/etc/", "/boot/", "/usr/", "/bin/", "/sbin/", "/lib")):
            self.find(Danger.DANGEROUS, Reach.OUTSIDE, f"writes {target.text!r}, which belongs to the system")
        self._names(target, writes=True)

    def _names(self, word: Word, *, writes: bool) -> None:
        paths = self.scope.read_from(word.text)
        if any(map(self.rules.secrets.mentioned, paths)):
            self.find(Danger.DANGEROUS, Reach.OUTSIDE, f"touches {word.text!r}, where secrets are kept")
        if writes and any(map(self.rules.guarded.mentioned, paths)):
            self.find(
                Danger.DANGEROUS, Reach.WRITE, f"writes {word.text!r}, which runs or is trusted uncalled"
            )

    def _argv(self, command: Simple, depth: int) -> None:
        argv = command.argv
        if argv[0].kind is not Kind.PLAIN:
            self.find(Danger.DANGEROUS, Reach.RUN, f"{HIDES}: only an expansion knows the program")
            return
        for word in argv:
            self._names(word, writes=False)
        if any(rule.vouches(argv, self.scope) for rule in self.rules.safe):
            self.find(Danger.SAFE, Reach.READ, "only reads")
            self._changed_folder(argv)
            return
        if not self._wrapped(command, depth) and not self._interpreted(command, depth):
            self._plain(argv)
        self._changed_folder(argv)
        if any(self.scope.is_outside(word) for word in argv[1:]):
            self.find(Danger.UNKNOWN, Reach.OUTSIDE, "names a path outside the worktree")
        self._by_rules(argv)
        if self.name == "find":
            self._found(argv, depth)

    def _changed_folder(self, argv: Sequence[Word]) -> None:
        if argv[0].text in ("cd", "pushd", "popd"):
            self.scope = replace(self.scope, folder="")

    def _by_rules(self, argv: Sequence[Word]) -> None:
        self.name = basename(argv[0])
        leading = self.rules.leading.get(self.name, ())
        for rule in self.rules.dangerous:
            if rule.holds(argv, leading):
                self.find(Danger.DANGEROUS, Reach.RUN, rule.why)
        if any(rule.holds(argv, leading) for rule in self.rules.network):
            self.find(Danger.UNKNOWN, Reach.NETWORK, "talks to other machines")

    def _plain(self, argv: Sequence[Word]) -> None:
        """A command that runs no other."""
        writers = [writer for writer in self.rules.writer if named(self.name, writer.commands)]
        for writer in writers:
            for target in writer.written(argv[1:]):
                self.write(target)
        if any(writer.operands != "none" for writer in writers):
            for word in argv[1:]:  # what is copied keeps its name
                self._names(word, writes=True)
        if argv[0].text in ("export", "declare", "typeset", "readonly", "local"):
            for word in argv[1:]:
                self._assignment(word.text.partition("=")[0], word, in_front=False)
        only_edits = any(writer.only_edits(argv[1:]) for writer in writers)
        if not only_edits or "/" in argv[0].text:
            self.find(Danger.UNKNOWN, Reach.RUN, "nothing is known of it with these arguments")

    def _wrapped(self, command: Simple, depth: int) -> bool:
        argv = command.argv
        launcher = next((each for each in self.rules.launcher if _launches(each, argv)), None)
        if launcher is None:
            return False
        inner = launcher.inner(argv)
        if launcher.assignments:
            self._assignments_in(argv)
        if inner is None:
            self.find(Danger.DANGEROUS, Reach.RUN, HIDES)
        elif not inner:
            self.find(Danger.UNKNOWN, Reach.RUN, "runs nothing that is named here")
        else:
            danger, reach = (
                (Danger.SAFE, Reach.READ)
                if launcher.transparent and "/" not in argv[0].text
                else (Danger.UNKNOWN, Reach.RUN)
            )
            self.find(danger, reach, "runs another command")
            self._inside(launcher, inner, command, depth)
        return True

    def _inside(self, launcher: Launcher, inner: tuple[Word, ...], command: Simple, depth: int) -> None:
        if not launcher.text:
            self._nested(Simple(inner, fed=command.fed), depth)
        elif any(word.kind is Kind.OPEN for word in inner[:1]):
            self.find(Danger.DANGEROUS, Reach.RUN, HIDES)
        else:
            self._nested_line(" ".join(word.text for word in inner), depth)

    def _assignments_in(self, argv: Sequence[Word]) -> None:
        for word in argv[1:]:
            name, equals, value = word.text.partition("=")
            if equals and name.isidentifier():
                self._assignment(name, Word(value, word.kind), in_front=True)

    def _nested(self, command: Simple, depth: int) -> None:
        name = self.name
        if depth >= MAX_NESTING:
            self.find(Danger.DANGEROUS, Reach.RUN, f"{HIDES}: commands are nested too deep")
        else:
            self.simple(command, depth + 1)
        self.name = name

    def _nested_line(self, text: str, depth: int) -> None:
        name, scope = self.name, self.scope
        self.line(text, depth + 1)
        self.name, self.scope = name, scope

    def _interpreted(self, command: Simple, depth: int) -> bool:
        interpreter = next((i for i in self.rules.interpreter if named(self.name, i.commands)), None)
        if interpreter is None:
            return False
        call = read_call(interpreter, command.argv)
        if call.module:
            self._nested(Simple(call.module), depth)
        if call.code is not None:
            self._code(interpreter, call, call.code, depth)
        elif call.script is not None and may_be_anything(call.script):
            self.find(Danger.DANGEROUS, Reach.RUN, f"{HIDES}: only an expansion knows the script")
        elif call.script is None and command.fed:
            self._fed(interpreter, command, depth)
        elif call.module or call.script is not None:
            self.find(Danger.UNKNOWN, Reach.RUN, "runs a program of its own language")
        else:
            self.find(Danger.UNKNOWN, Reach.RUN, "starts an interpreter")
        return True

    def _code(self, interpreter: Interpreter, call: InterpreterCall, code: Word, depth: int) -> None:
        if code.kind is Kind.OPEN:
            self.find(Danger.DANGEROUS, Reach.RUN, f"{HIDES}: only an expansion knows the code")
        elif interpreter.shell:
            if not call.bare:
                self.find(Danger.UNKNOWN, Reach.RUN, "starts a shell in a way that is not vouched for")
            self._nested_line(code.text, depth)
        else:
            self.find(Danger.UNKNOWN, Reach.RUN, "runs code from the command line")

    def _fed(self, interpreter: Interpreter, command: Simple, depth: int) -> None:
        """An interpreter that reads its code."""
        bodies = [r.target for r in command.redirects if r.operator in ("<<", "<<<")]
        if not bodies or any(body.kind is Kind.OPEN for body in bodies):
            self.find(Danger.DANGEROUS, Reach.RUN, f"{HIDES}: it reads its code from elsewhere")
            return
        self.find(Danger.UNKNOWN, Reach.RUN, "runs code from the command line")
        if interpreter.shell:
            for body in bodies:
                self._nested_line(body.text, depth)

    def _found(self, argv: Sequence[Word], depth: int) -> None:
        """What `find` runs for each file that it finds."""
        pending = list(argv[1:])
        while pending:
            if pending.pop(0).text in ("-exec", "-execdir", "-ok", "-okdir"):
                end = next((i for i, word in enumerate(pending) if word.text in (";", "+")), len(pending))
                inner = [Word(w.text, Kind.OPEN) if "{}" in w.text else w for w in pending[:end]]
                if inner:
                    self._nested(Simple(tuple(inner)), depth)
                del pending[:end]


def _launches(launcher: Launcher, argv: Sequence[Word]) -> bool:
    if not named(basename(argv[0]), launcher.commands):
        return False
    return not launcher.subcommand or (len(argv) > 1 and argv[1].text == launcher.subcommand)
