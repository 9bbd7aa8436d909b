"""Loads the rules about commands, and tries every example in them: a rule that errs stops the start."""

from __future__ import annotations

from collections.abc import Iterator

from anton.core.errors import UsageError
from anton.core.permission import Danger
from anton.core.tool import Reach
from anton.engine.command_rules import Rules, read_rules
from anton.engine.commands import Assessment, assess
from anton.engine.shell_command import Parsed
from anton.engine.shell_syntax import parse


def load_rules() -> Rules:
    """The built-in rules, each of which does to its examples what it says.

    Raises:
        UsageError: a rule does not; the text names it and the example.
    """
    return checked(read_rules())


def checked(rules: Rules) -> Rules:
    """The same rules, if each does to its examples what it says.

    Raises:
        UsageError: as `load_rules`.
    """
    for fault in faults(rules):
        raise UsageError(f"The rules about commands contradict themselves: {fault}.")
    return rules


def faults(rules: Rules) -> Iterator[str]:
    """Examples that do not come out as their rule says."""
    yield from _safe(rules)
    yield from _dangerous(rules)
    yield from _programs(rules)
    yield from _names(rules)


def _safe(rules: Rules) -> Iterator[str]:
    for rule in rules.safe:
        alone = rules.model_copy(update={"safe": (rule,)})
        for text in rule.safe:
            if assess(text, rules if "&&" in text else alone).danger is not Danger.SAFE:
                yield f"the safe rule for {rule.commands[0]!r} does not vouch for its example {text!r}"
        for text in rule.not_safe:
            if assess(text, rules).danger is Danger.SAFE:
                yield f"{text!r} is safe, against the safe rule for {rule.commands[0]!r}"


def _found(assessment: Assessment, why: str) -> bool:
    return any(finding.reason == why for finding in assessment.findings)


def _dangerous(rules: Rules) -> Iterator[str]:
    for rule in rules.dangerous:
        for text in rule.matches:
            if not _found(assess(text, rules), rule.why):
                yield f"the dangerous rule {rule.why!r} does not match its example {text!r}"
        for text in rule.spares:
            if _found(assess(text, rules), rule.why):
                yield f"the dangerous rule {rule.why!r} does not spare its example {text!r}"


def _programs(rules: Rules) -> Iterator[str]:
    for launcher in rules.launcher:
        for text, inner in launcher.examples:
            parsed = parse(text)
            words = launcher.inner(parsed.commands[0].argv) if isinstance(parsed, Parsed) else None
            if words is None or " ".join(word.text for word in words) != inner:
                yield f"the launcher {launcher.commands[0]!r} does not run {inner!r} in its example {text!r}"
    for interpreter in rules.interpreter:
        for text in interpreter.examples:
            if assess(text, rules).danger is not Danger.DANGEROUS:
                yield f"the interpreter {interpreter.commands[0]!r} is not dangerous in its example {text!r}"
    for rule in rules.network:
        for text in rule.matches:
            if assess(text, rules).reach is not Reach.NETWORK:
                yield f"the network rule for {rule.commands[0]!r} does not match its example {text!r}"
        for text in rule.spares:
            if assess(text, rules).reach is Reach.NETWORK:
                yield f"the network rule for {rule.commands[0]!r} does not spare its example {text!r}"
    for writer in rules.writer:
        for text, *paths in writer.matches:
            if list(assess(text, rules).writes) != paths:
                yield f"the writer {writer.commands[0]!r} does not write {paths} in its example {text!r}"


def _names(rules: Rules) -> Iterator[str]:
    for kind, names in (
        ("secrets", rules.secrets),
        ("guarded", rules.guarded),
        ("environment", rules.environment),
    ):
        for text in names.matches:
            if assess(text, rules).danger is not Danger.DANGEROUS:
                yield f"the names of {kind!r} do not match their example {text!r}"
        for text in names.spares:
            if assess(text, rules).danger is Danger.DANGEROUS:
                yield f"the names of {kind!r} do not spare their example {text!r}"
