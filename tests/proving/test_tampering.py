"""The guard as a whole: which files it reads, whom it blames, and that no text makes it fail."""

from __future__ import annotations

import ast
import json
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anton.core.proof import Blame, Tampering
from anton.demo.build import lay_out
from anton.proving.harvest import Work, harvest
from anton.proving.plan import TestPlan, is_test_path
from anton.proving.tampering.existing import compare_tests
from anton.proving.tampering.fix import inspect_fix
from anton.proving.tampering.fresh import inspect_new_tests
from anton.proving.tampering.guard import Changed, find_tampering, inspect, module_name
from anton.proving.tampering.parsing import MAX_BYTES, parse, parse_one
from anton.proving.tampering.replaced import Repaired, inspect_replacements
from anton.proving.tampering.runner import inspect_runner_use
from anton.proving.tampering.special import inspect_special_cases, literals_of
from anton.proving.tampering.syntax import Names
from anton.proving.tampering.text import compare_test_text, inspect_fix_text, inspect_test_text

from .conftest import FIXED, SHOWN, Files, Project

PLAN = TestPlan(command=("python", "-m", "pytest"))


def changed(path: str, before: str | None, after: str | None) -> Changed:
    sides = [None if side is None else side.encode() for side in (before, after)]
    return Changed(path, sides[0], sides[1], is_test_path(path))


async def found_in(shop: Project, code: Files, test: Files) -> tuple[Tampering, ...]:
    work = Work(
        base=shop.base.commit,
        base_tree=shop.base.tree,
        code=await shop.tree(code),
        test=await shop.tree(test),
        subjects={},
        ticket="BUG-1",
        at_unix=1_700_000_000,
    )
    harvested = await harvest(shop.repository, work, PLAN)
    return await find_tampering(shop.repository, harvested, PLAN)


async def test_an_honest_patch_holds_no_sign_of_cheating(shop: Project) -> None:
    assert await found_in(shop, FIXED, SHOWN) == ()


async def test_each_sign_blames_whose_file_it_is_in(shop: Project) -> None:
    cheating = "import sys\n\n\ndef total(prices):\n    return 3 if 'pytest' in sys.modules else 0\n"
    loosened = "from shop.cart import total\n\n\ndef test_nothing():\n    assert total([]) is not None\n"
    found = await found_in(shop, {"shop/cart.py": cheating}, {**SHOWN, "tests/test_cart.py": loosened})
    assert [(sign.kind, sign.path, sign.line, sign.blames) for sign in found] == [
        ("runner detected", "shop/cart.py", 5, Blame.CODE),
        ("assertion weakened", "tests/test_cart.py", 5, Blame.TEST),
    ]


async def test_a_removed_test_file_is_a_removed_test(shop: Project) -> None:
    found = await found_in(shop, FIXED, {**SHOWN, "tests/test_cart.py": None})
    assert [(sign.kind, sign.path, sign.line) for sign in found] == [
        ("test removed", "tests/test_cart.py", 0)
    ]


async def test_a_test_file_that_was_moved_is_no_removed_test(shop: Project) -> None:
    moved = "from shop.cart import total\n\n\ndef test_nothing():\n    assert total([]) == 0\n"
    test: Files = {**SHOWN, "tests/test_cart.py": None, "tests/unit/test_cart.py": moved}
    assert await found_in(shop, FIXED, test) == ()


async def test_the_test_agents_own_fix_is_not_looked_at(shop: Project) -> None:
    own = "import os\n\n\ndef total(prices):\n    return os._exit(0)\n"
    assert await found_in(shop, FIXED, {**SHOWN, "shop/cart.py": own}) == ()


async def test_a_test_that_replaces_a_function_is_named_only_where_the_fix_repairs_it() -> None:
    test = (
        "from shop import cart\n\n\n"
        "def test_a(monkeypatch):\n    monkeypatch.setattr(cart, 'load', list)\n"
        "    assert cart.total() == 0\n"
    )
    source = "def load(): return [1]\n\n\ndef total(): return {}\n"
    fresh = changed("tests/test_a.py", None, test)
    known = ("shop/__init__.py", "shop/cart.py")
    collaborator = changed("shop/cart.py", source.format("sum(load()[1:])"), source.format("sum(load())"))
    assert await inspect([fresh, collaborator], known, PLAN) == ()
    repaired = changed("shop/cart.py", source.format("sum(load())"), source.replace("[1]", "[2]"))
    assert [sign.kind for sign in await inspect([fresh, repaired], known, PLAN)] == [
        "code under repair replaced"
    ]


async def test_the_file_that_the_test_command_runs_is_nobodys_to_change() -> None:
    plan = TestPlan(command=("python", "./run_tests.py"))
    [sign] = await inspect([changed("run_tests.py", "x = 1\n", "x = 2\n")], (), plan)
    assert (sign.kind, sign.blames) == ("runner changed", Blame.CODE)


async def test_a_file_that_cannot_be_checked_is_named() -> None:
    deep = "x = " + "-" * 50_000 + "1\n"
    long = "x = 1\n" * (MAX_BYTES // 6 + 1)
    found = await inspect([changed("a.py", "", deep), changed("b.py", "", long)], (), PLAN)
    assert [(sign.path, sign.kind) for sign in found] == [("a.py", "not readable"), ("b.py", "not readable")]


async def test_what_is_no_python_is_left_to_the_run() -> None:
    assert await inspect([changed("a.py", "x = 1\n", "x = = 1\n")], (), PLAN) == ()


@pytest.mark.parametrize(
    "text",
    ["-" * 100_000 + "1", "(" * 100_000, "a" + ".b" * 100_000, "a\0b", "\ud800", "x = '\\N{x}'"],
)
async def test_hostile_text_is_answered(text: str) -> None:
    parsed = await parse(
        {"one": b"x = 1\n", "two": text.encode("utf-8", "surrogatepass"), "three": b"y = 2\n"}
    )
    assert {"one", "three"} <= set(parsed.modules)
    assert "two" in parsed.invalid | parsed.unreadable.keys()


def test_modules_are_named_as_they_are_imported() -> None:
    names = [module_name(path) for path in ("src/shop/cart.py", "shop/__init__.py", "todo.py")]
    assert names == ["shop.cart", "shop", "todo"]


WORDS = st.sampled_from(
    [
        "assert",
        "pytest.skip(",
        ")",
        "(",
        ":",
        "\n",
        "def",
        "test_a",
        "if",
        "False",
        "return",
        "try",
        "except",
        "with",
        "raises",
        "pass",
        "==",
        "in",
        "1",
        "3",
        "[1]",
        '"x"\n',
        "",
        "",
        "",
        "class",
        "import",
        "os",
        "sys",
        "mock.patch(",
        "monkeypatch.setattr(",
        "lambda",
        "x",
        "=",
        "@",
        "yield",
        "for",
        "not",
        "None",
        "or",
        "and",
        "match",
        "case",
        "_",
        ",\n",
        "",
        "",
        "",
        "async",
        "await",
        "*",
        "**",
        "sys.modules[",
        "]",
        "expect(",
        ").toBe(",
        "it(",
        "=>",
        "{",
        "}",
        "//",
        "/*",
        "*/",
        "`",
        "'",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(WORDS, max_size=40).map(" ".join),
    st.lists(WORDS, max_size=20).map(lambda words: "def test_a(x):\n  " + " ".join(words)),
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(before=TEXTS, after=TEXTS)
def test_no_text_makes_a_rule_fail(before: str, after: str) -> None:
    list(compare_test_text(before, after))
    list(inspect_test_text(before, after, "test/a.test.js", {"src/a.js"}))
    list(inspect_fix_text(before, after, "src/a.js"))
    old, new = (parse_one(text.encode("utf-8", "surrogatepass")) for text in (before, after))
    modules = [side for side in (old, new) if isinstance(side, ast.Module)]
    for one in modules:
        for other in modules:
            every_rule(one, other)


def every_rule(before: ast.Module, after: ast.Module) -> None:
    names = Names(after)
    list(compare_tests(before, after))
    list(inspect_new_tests(after, names))
    list(inspect_replacements(after, names, Repaired(own=frozenset({"shop"}))))
    list(inspect_runner_use(after, names, "report.xml"))
    list(inspect_fix(before, after, "shop/cart.py"))
    list(inspect_special_cases(before, after, literals_of(after)))


async def test_the_tables_of_cheats_are_no_cheat_of_what_they_were() -> None:
    for path in sorted(Path(__file__).parent.glob("test_tampering*.py")):
        module = ast.parse(path.read_bytes())
        every_rule(module, module)
        assert list(compare_tests(module, module)) == []


async def test_the_demos_fix_and_tests_are_honest(tmp_path: Path) -> None:
    work = tmp_path / "work"
    await lay_out(work, tmp_path / "remote.git")
    before = {path: (work / path).read_text() for path in paths_in(work)}
    after = dict(before)
    for edit in recorded_edits():
        if edit["old"] in after[edit["path"]]:
            after[edit["path"]] = after[edit["path"]].replace(edit["old"], edit["new"], 1)
    patch = [changed(path, before[path], text) for path, text in after.items() if text != before[path]]
    assert {file.path for file in patch} >= {"todo/service.py", "tests/test_service.py", "tests/test_api.py"}
    assert await inspect(patch, before, PLAN) == ()


def paths_in(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in sorted(folder.rglob("*.py"))]


def recorded_edits() -> list[dict[str, str]]:
    """All edits of the demo's recording, each once, in order."""
    text = files("anton.demo").joinpath("recording.jsonl").read_text(encoding="utf-8")
    found = [edit for line in text.splitlines() for edit in edits_in(json.loads(line))]
    return [edit for number, edit in enumerate(found) if edit not in found[:number]]


def edits_in(part: object) -> list[dict[str, str]]:
    if isinstance(part, list):
        return [edit for one in part for edit in edits_in(one)]
    if not isinstance(part, dict):
        return []
    arguments = part.get("arguments", "") if part.get("name") == "edit_file" else ""
    own = [json.loads(arguments)] if arguments else []
    return own + edits_in(list(part.values()))
