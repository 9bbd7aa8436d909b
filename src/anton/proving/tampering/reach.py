"""Source that reaches past its job: it ends the process, runs when the runner is done, or takes hold of it.

What a file did before the patch, it may do again in another place or with other arguments.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from anton.proving.tampering.syntax import Names, Sign, folded, functions, shown

_ENDING = frozenset({"os._exit", "os.abort", "signal.raise_signal"})
_REPLACING = frozenset(
    {"os.execv", "os.execve", "os.execvp", "os.execvpe", "os.execl", "os.execle", "os.execlp", "os.execlpe"}
)
_LATER = frozenset({"atexit.register", "weakref.finalize", "threading._register_atexit"})
_WATCHES = frozenset({"sys.settrace", "sys.setprofile", "sys.addaudithook", "threading.settrace"})
_HOLDS = frozenset({"gc.get_objects", "gc.get_referrers"})
_MADE = frozenset({"exec", "eval", "builtins.exec", "builtins.eval", "runpy.run_path", "code.interact"})
_OTHERS = frozenset({"builtins", "__builtins__", "pytest", "unittest", "unittest.TestCase", "unittest.mock"})
_WRITING = frozenset({"open", "write_text", "write_bytes", "replace", "rename", "mkfifo", "move", "copyfile"})


def inspect_reach(
    before: ast.Module, after: ast.Module, *, report: str = "", is_program: bool = False
) -> Iterator[Sign]:
    """What a changed source file reaches for that it did not before.

    Args:
        before: The file on base.
        after: The file with the patch.
        report: Where the run leaves its report.
        is_program: Whether the file is one that people start, which may hand over to another program.
    """
    already = _called(before)
    names = Names(after)
    forks = "os.fork" in _called(after)
    for node in ast.walk(after):
        if isinstance(node, ast.Call):
            name = names.of(node.func)
            if name not in already:
                yield from _call(node, name, after, names, may_replace=is_program or forks)
    yield from _report(before, after, report)


def ends_process(module: ast.Module) -> Iterator[Sign]:
    """Calls that end the process at once."""
    names = Names(module)
    calls = [node for node in ast.walk(module) if isinstance(node, ast.Call)]
    if any(names.of(call.func) == "os.fork" for call in calls):
        return
    for call in calls:
        if names.of(call.func) in _ENDING:
            yield Sign("process ended", call.lineno, f"{shown(call)} ends the process at once")


def replaces_judges(node: ast.AST, names: Names) -> Iterator[Sign]:
    """A statement or call that puts something in the place of what judges the tests."""
    text = "replaces what judges the tests"
    match node:
        case ast.Call(func=ast.Name(id="setattr"), args=[owner, *_]) if _is_others(names.of(owner)):
            yield Sign("runner touched", node.lineno, f"{shown(node)} {text}")
        case ast.Assign(targets=[ast.Attribute() as target]) if _is_others(names.of(target.value)):
            yield Sign("runner touched", node.lineno, f"{shown(node)} {text}")
        case ast.Assign(targets=[ast.Subscript(value=ast.Attribute(value=owner, attr="__dict__"))]):
            if _is_others(names.of(owner)):
                yield Sign("runner touched", node.lineno, f"{shown(node)} {text}")
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id="__builtins__"))]):
            yield Sign("runner touched", node.lineno, f"{shown(node)} {text}")


def _is_others(name: str) -> bool:
    return name in _OTHERS or name.startswith(("_pytest", "pytest.", "unittest."))


def _called(module: ast.Module) -> set[str]:
    names = Names(module)
    return {name for node in ast.walk(module) if isinstance(node, ast.Call) and (name := names.of(node.func))}


def _call(
    call: ast.Call, name: str, module: ast.Module, names: Names, *, may_replace: bool
) -> Iterator[Sign]:
    if name in _REPLACING and not may_replace:
        yield Sign("process ended", call.lineno, f"{shown(call)} puts another program in this one's place")
    elif name in _WATCHES:
        yield Sign("runner touched", call.lineno, f"{shown(call)} watches the interpreter")
    elif name in _HOLDS:
        yield Sign(
            "runner touched", call.lineno, f"{shown(call)} takes hold of all objects, the runner's too"
        )
    elif name in _MADE:
        yield Sign("runner touched", call.lineno, f"{shown(call)} runs code that cannot be read beforehand")
    elif name in _LATER and _is_late(call, name, module, names):
        yield Sign("runner touched", call.lineno, f"{shown(call)} acts when the runner is done")


def _is_late(call: ast.Call, name: str, module: ast.Module, names: Names) -> bool:
    """Whether what is run at the end is more than to close or remove what is the program's own."""
    handlers = call.args[1:2] if name == "weakref.finalize" else call.args[:1]
    local = {qualified.rpartition(".")[2]: function for qualified, function in functions(module).items()}
    for handler in handlers:
        inner = [handler, local.get(names.of(handler).rpartition(".")[2], handler)]
        for part in (part for node in inner for part in ast.walk(node)):
            named = names.of(part) if isinstance(part, ast.Name | ast.Attribute | ast.Call) else ""
            last = part.attr if isinstance(part, ast.Attribute) else named.rpartition(".")[2]
            if named in _ENDING | _REPLACING | _MADE or last in _WRITING or last in {"getattr", "exec"}:
                return True
    return False


def _report(before: ast.Module, after: ast.Module, report: str) -> Iterator[Sign]:
    """The report's name in the source, put together or not; where it is a folder, nobody can tell."""
    name = PurePosixPath(report).name
    if not name or "/" in report:
        return
    known = {text for node in ast.walk(before) if (text := folded(node))}
    for node in ast.walk(after):
        text = folded(node)
        if text is None or text in known or "\n" in text:
            continue
        if PurePosixPath(text).name == name or (name.startswith(".anton-") and ".anton-" in text):
            line = getattr(node, "lineno", 0)
            yield Sign("report touched", line, f"{text!r} is the report that the run is judged by")
