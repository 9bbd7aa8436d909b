"""Tests and source in JavaScript, TypeScript, Go, Java and others, by lines and tokens.

Comments and strings are told from code first, so that an assertion that was commented out is gone, and a `//`
in a URL is no comment.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import PurePosixPath

from anton.proving.tampering.syntax import Sign, newly

SUFFIXES = frozenset(
    {
        ".js",
        ".cjs",
        ".mjs",
        ".jsx",
        ".ts",
        ".tsx",
        ".mts",
        ".cts",
        ".go",
        ".java",
        ".kt",
        ".scala",
        ".cs",
        ".rs",
    }
)
MAX_CHARACTERS = 200_000
"""Of a file; what comes after is not read."""
_SHOWN = 90
_MANY = 200
"""Findings of one kind in a file; more say nothing more."""

_TOKEN = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`(?:[^`\\]|\\.)*`|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL
)
_SKIP = re.compile(
    r"\b(?:it|test|describe|context|suite)\s*\.\s*(?:skip|only|todo|failing|fails)\b|\bx(?:it|describe|test|context)\s*\("
    r"|\bf(?:it|describe)\s*\(|\bt\s*\.\s*(?:Skip|Skipf|SkipNow|skip|todo)\s*\(|\bthis\s*\.\s*skip\s*\("
    r"|@(?:Disabled|Ignore)\w*|#\[ignore|\[\s*Ignore\b|\b(?:skip|todo|only)\s*:\s*(?:true|['\"`])"
    r"|\bassume(?:True|False|That)\s*\("
)
_NAMED_TEST = re.compile(
    r"\b(?:it|test|specify)(?:\s*\.\s*\w+)*\s*\(\s*(\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)"
    r"|\bfunc\s+(Test\w+)\s*\("
    r"|@(?:Test|ParameterizedTest)\b[^{;]{0,400}?\b(?:void|fun)\s+(\w+)\s*\("
    r"|#\[(?:tokio::)?test\][^{;]{0,400}?\bfn\s+(\w+)"
)
_ASSERTION = re.compile(
    r"\bexpect\s*\(|\bassert\w*\s*[.(!]|\bAssert\w*\s*\.|\brequire\s*\.\s*\w+\s*\(\s*t\b|\bt\s*\.\s*(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\b"
    r"|\bshould\b\s*\.|\bt\s*\.\s*(?:assert|equal|deepEqual|is|ok|true|false)\s*[.(]|\bverify\s*\("
)
_ALWAYS = re.compile(
    r"\bexpect\s*\(\s*(true|false|null|undefined|\d+)\s*\)\s*\.\s*(?:toBe|toEqual|toStrictEqual)\s*\(\s*\1\s*\)"
    r"|\bexpect\s*\(\s*true\s*\)\s*\.\s*(?:toBeTruthy|toBeDefined)\b"
    r"|\bassert(?:\s*\.\s*ok)?\s*\(\s*true\s*\)|\bassertTrue\s*\(\s*true\s*\)|\bassert!\s*\(\s*true\s*\)"
)
_ENDS = re.compile(
    r"\bprocess\s*\.\s*(?:exit|abort|reallyExit)\s*\(|\bprocess\s*\.\s*exitCode\s*=[^=]|\bos\.Exit\s*\("
    r"|\bSystem\s*\.\s*exit\s*\(|\bgetRuntime\s*\(\s*\)\s*\.\s*halt\s*\(|\bDeno\s*\.\s*exit\s*\(|\bEnvironment\.Exit\s*\("
)
_DETECTS = re.compile(
    r"\bJEST_WORKER_ID\b|\bVITEST(?:_\w+)?\b|\bNODE_TEST_CONTEXT\b|\bMOCHA_\w+\b|\bNODE_ENV\b\W{1,6}test\b"
    r"|\bprocess\.env\.(?:CI|GITHUB_ACTIONS)\b|\btesting\.Testing\s*\(|\btypeof\s+(?:jest|describe|it|vi)\b"
    r"|\bglobalThis\s*\.\s*(?:jest|describe|it|expect)\b|\bsurefire\b"
)
_JUDGE = r"['\"`](?:node:)?(?:assert(?:/strict)?|test)['\"`]"
_JUDGES_BOUND = re.compile(
    rf"\b(?:const|let|var)\s+(\w+)\s*=\s*(?:await\s+)?(?:require|import)\s*\(\s*{_JUDGE}\s*\)"
    rf"|\bimport\s+(?:\*\s*as\s+)?(\w+)\b[^;'\"\n]{{0,200}}?\bfrom\s+{_JUDGE}"
)
_JUDGE_REPLACED = r"\brequire\s*\(\s*{0}\s*\)(?:\.\w+)*\.\w+\s*=(?![=>])"
_BUILTIN = (
    r"(?:Object|Array|Function|String|Number|Boolean|Promise|Map|Set|WeakMap|Date|RegExp|Symbol|BigInt"
    r"|(?:Assertion|Type|Range|Reference|Syntax|URI|Eval)?Error)"
)
_PROTOTYPES = re.compile(
    rf"\b{_BUILTIN}\.prototype(?:\.\w+|\[[^\]\n]{{1,80}}\])\s*=(?![=>])"
    rf"|\bObject\.(?:assign|definePropert(?:y|ies))\s*\(\s*{_BUILTIN}\.prototype\b"
    r"|\bObject\.is\s*=(?![=>])|\bglobalThis\.(?:expect|assert|it|test|describe)\s*=(?![=>])"
)
_RUNNER_IMPORTED = re.compile(
    r"(?:\bfrom|\brequire\s*\(|\bimport\s*\(?)\s*['\"`](?:node:test|@jest/globals|vitest|mocha|ava)['\"`]"
)
_SWALLOWS = re.compile(r"\bcatch\s*(?:\([^)]{0,200}\)\s*)?\{\s*(?:return(?:\s+[\w'\"]+)?\s*;?\s*)?\}")
_MOCKS = re.compile(r"\b(?:jest|vi)\s*\.\s*(?:mock|doMock)\s*\(\s*(['\"`])(\.[^'\"`]{1,200})\1([^;]{0,400})")
_PROGRAM = re.compile(r"(^|/)(bin|cli|cmd|main|index|server|app|scripts?)([./]|$)|Main\.\w+$", re.IGNORECASE)
_SAME_STRENGTH = str.maketrans({"'": '"', "`": '"', ";": None})


def is_readable(path: str) -> bool:
    """Whether these rules know the language of a file."""
    return PurePosixPath(path).suffix.lower() in SUFFIXES


def compare_test_text(before: str, after: str) -> Iterator[Sign]:
    """What was done to the tests of a file that was there before; `after` is empty where it was removed."""
    old, new = uncommented(before), uncommented(after)
    kept = set(_tests(new))
    gone = [name for name in _tests(old) if name not in kept]
    for name in gone:
        yield Sign("test removed", 0, f"the test {name!r} was there before and is gone")
    yield from newly(_matches(_SKIP, "test skipped", old), _matches(_SKIP, "test skipped", new))
    if not gone:
        yield from _assertions(old, new)


def inspect_test_text(
    before: str, after: str, path: str = "", repaired: Collection[str] = frozenset()
) -> Iterator[Sign]:
    """What a test file does that none should, as far as `before` did not do so already.

    Args:
        before: The file on base; empty where it is new.
        after: The file with the patch.
        path: Where it stands.
        repaired: Paths of the source that the patch changes.
    """
    old, new = uncommented(before), uncommented(after)
    for pattern, kind in ((_ENDS, "process ended"), (_ALWAYS, "asserts nothing")):
        yield from newly(_matches(pattern, kind, old), _matches(pattern, kind, new))
    yield from newly(_mocked(old, path, repaired), _mocked(new, path, repaired))
    yield from newly(_judges(old), _judges(new))
    if not before and _tests(new) and not _ASSERTION.search(new) and "throw" not in new:
        yield Sign("asserts nothing", 1, "the file asserts nothing")


def inspect_fix_text(before: str, after: str, path: str) -> Iterator[Sign]:
    """What is wrong with a changed source file."""
    old, new = uncommented(before), uncommented(after)
    rules = (
        ("runner detected", _DETECTS),
        ("runner detected", _RUNNER_IMPORTED),
        ("failure swallowed", _SWALLOWS),
    )
    for kind, pattern in rules:
        yield from newly(_matches(pattern, kind, old), _matches(pattern, kind, new))
    yield from newly(_judges(old), _judges(new))
    if not _PROGRAM.search(path) and not _ENDS.search(old):
        yield from _matches(_ENDS, "process ended", new)


def _judges(code: str) -> Iterator[Sign]:
    """Assertions, the runner or the language's own methods replaced; a polyfill asks whether one is there."""
    bound = {next(filter(None, found.groups())) for found in _JUDGES_BOUND.finditer(code)}
    names = "|".join(sorted(map(re.escape, bound)))
    patterns = [re.compile(_JUDGE_REPLACED.format(_JUDGE)), _PROTOTYPES]
    if names:
        patterns.append(
            re.compile(
                rf"\b(?:{names})(?:\.\w+)*\.\w+\s*=(?![=>])"
                rf"|\bObject\.(?:assign|definePropert(?:y|ies))\s*\(\s*(?:{names})\b"
            )
        )
    for pattern in patterns:
        for sign in _matches(pattern, "runner touched", code):
            member = re.search(r"\w+\.prototype\.\w+", sign.detail)
            if member is None or f"!{member[0]}" not in code:
                yield sign


def uncommented(text: str) -> str:
    """The text with comments blanked out; lines keep their numbers."""
    return _TOKEN.sub(_blanked, text[:MAX_CHARACTERS])


def _blanked(token: re.Match[str]) -> str:
    found = token[0]
    return re.sub(r"[^\n]", " ", found) if found.startswith(("//", "/*")) else found


def _tests(code: str) -> list[str]:
    return [next(filter(None, found.groups())).strip("\"'`") for found in _NAMED_TEST.finditer(code)]


def _matches(pattern: re.Pattern[str], kind: str, code: str) -> Iterator[Sign]:
    """What a pattern finds outside strings."""
    if not pattern.search(code):
        return
    strings = [token.span() for token in _TOKEN.finditer(code)]
    lines = code.splitlines()
    for found in islice(pattern.finditer(code), _MANY):
        place = bisect_right(strings, (found.start(), 0)) - 1
        if place < 0 or found.start() >= strings[place][1]:
            line = code.count("\n", 0, found.start())
            yield Sign(kind, line + 1, f"`{lines[line].strip()[:_SHOWN]}`")


def _assertions(old: str, new: str) -> Iterator[Sign]:
    """Lines with an assertion that stand nowhere any more; spaces, quotes and line breaks do not count."""
    left, lines = _squeezed(new), {_squeezed(line) for line in new.splitlines()}
    here = [(number, line) for number, line in enumerate(new.splitlines(), 1) if _ASSERTION.search(line)]
    there = _squeezed(old)
    came = [(number, line) for number, line in here if _squeezed(line) not in there]
    asserted = [line for line in old.splitlines() if _ASSERTION.search(line) and _squeezed(line) not in lines]
    for line in islice((line for line in asserted if _squeezed(line) not in left), _MANY):
        text = f"`{line.strip()[:_SHOWN]}`"
        if came:
            number, successor = came.pop(0)
            yield Sign("assertion changed", number, f"{text} has become `{successor.strip()[:_SHOWN]}`")
        else:
            yield Sign("assertion removed", 0, f"{text} is gone")


def _squeezed(code: str) -> str:
    """Without what a formatter changes."""
    return re.sub(r"\s+|,(?=\s*[)\]}])", "", code).translate(_SAME_STRENGTH)


def _mocked(code: str, path: str, repaired: Collection[str]) -> Iterator[Sign]:
    """A module of the fix put out of the way; one whose rest stays (`requireActual`) is not."""
    folder = PurePosixPath(path).parent
    stems = {re.sub(r"\.\w+$", "", one) for one in repaired} | set(repaired)
    for found in islice(_MOCKS.finditer(code), _MANY):
        target = _normal(folder / found[2])
        if (target in stems or f"{target}/index" in stems) and "Actual" not in found[3]:
            line = code.count("\n", 0, found.start()) + 1
            yield Sign(
                "code under repair replaced", line, f"`{found[0][:_SHOWN]}` puts something else in place"
            )


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part not in {".", ".."}:
            parts.append(part)
    return "/".join(parts)
