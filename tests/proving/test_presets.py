from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from anton.core.errors import UsageError
from anton.proving.declarations import Kind, worth_reading
from anton.proving.plan import REPORT, ReportFormat, TestPlan
from anton.proving.presets import GO_REPORT, plan_for
from anton.proving.programs import interpreter_paths

PYTHON = Path(sys.executable)
ENVIRONMENTS = Path("/environments")


def plan_of(texts: Mapping[str, str], *files: str, **changes: object) -> TestPlan:
    """The plan for these declarations and further files, on a machine that has every program."""
    given: dict[str, object] = {"texts": texts, "find": lambda name: f"/usr/bin/{name}", **changes}
    return plan_for((*texts, *files), PYTHON, **given)  # type: ignore[arg-type]


def package(**keys: object) -> dict[str, str]:
    return {"package.json": json.dumps(keys)}


def test_pytest_is_the_plan_where_nothing_else_is_said() -> None:
    plan = plan_for(["shop/cart.py", "tests/test_cart.py"], PYTHON)
    assert plan.command[:3] == (str(PYTHON), "-m", "pytest")
    assert f"--junitxml={plan.report}" in plan.command
    assert plan.selects_files
    assert plan.env["PYTHONPATH"] == "."


def test_a_source_folder_is_put_on_the_path_relative_to_the_tree() -> None:
    assert plan_for(["src/shop/cart.py"], PYTHON).env["PYTHONPATH"] == "src:."


def test_any_command_that_leaves_a_report_will_do() -> None:
    plan = plan_for([], PYTHON, command=["npm", "test"], report="out/junit.xml", env={"FORCE_COLOR": "0"})
    assert plan.command == ("npm", "test")
    assert (plan.report, plan.selects_files, plan.env["FORCE_COLOR"]) == ("out/junit.xml", False, "0")


def test_python_in_a_command_is_the_interpreter_that_was_chosen() -> None:
    plan = plan_for([], PYTHON, command=["python", "-m", "xmlrunner"], report="r.xml")
    assert plan.command == (str(PYTHON), "-m", "xmlrunner")


@pytest.mark.parametrize("report", ["", "/tmp/r.xml", "../r.xml", "a/../../r.xml"])
def test_a_report_outside_the_tree_is_refused(report: str) -> None:
    with pytest.raises(UsageError, match="report"):
        plan_for([], PYTHON, command=["npm", "test"], report=report)


def test_the_interpreter_finds_its_library_and_its_packages_but_no_home_is_opened() -> None:
    paths = interpreter_paths(PYTHON)
    assert any(Path(pytest.__file__).is_relative_to(path) for path in paths)
    assert any(PYTHON.resolve().is_relative_to(path) for path in paths)
    assert Path("/") not in paths
    assert Path.home() not in paths


def test_a_prefix_that_is_no_environment_is_not_opened_whole(tmp_path: Path) -> None:
    python = tmp_path / "home" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("")
    (tmp_path / "home" / "diary.txt").write_text("")
    assert interpreter_paths(python) == (tmp_path / "home" / "bin",)


NODE = ("node", "--test-reporter=junit", f"--test-reporter-destination={REPORT}")


@pytest.mark.parametrize(
    ("script", "command", "narrow"),
    [
        ("node --test", (*NODE, "--test"), (*NODE, "--test")),
        ("node --test test/", (*NODE, "--test", "test/"), (*NODE, "--test")),
        (
            "node --import tsx --test",
            (*NODE, "--import", "tsx", "--test"),
            (*NODE, "--import", "tsx", "--test"),
        ),
        (
            "node --test --test-reporter spec test/*.js",
            ("sh", "-c", f"exec {' '.join(NODE)} --test  test/*.js"),
            (*NODE, "--test"),
        ),
    ],
)
def test_nodes_own_tests_keep_their_options_and_get_a_report(
    script: str, command: tuple[str, ...], narrow: tuple[str, ...]
) -> None:
    plan = plan_of(package(scripts={"test": script}), "test/cart.test.js")
    assert (plan.command, plan.narrow_command, plan.report) == (command, narrow, REPORT)
    assert plan.narrowed(["test/cart.test.js"]) == ("test/cart.test.js",)
    assert plan.narrowed(["lib/cart.js"]) == ()


def test_tests_for_node_are_known_by_what_they_import() -> None:
    texts = {"test/cart.test.mjs": "import { test } from 'node:test'"}
    assert worth_reading(texts) == tuple(texts)
    assert plan_of(texts).command == (*NODE, "--test")


@pytest.mark.parametrize(
    "script", ["mocha", "node --test && rm -rf x", "npm run build; node --test", "node build.js"]
)
def test_another_runner_of_scripts_is_named_with_what_to_do(script: str) -> None:
    with pytest.raises(UsageError, match=r"\[tests\] command and report") as caught:
        plan_of(package(scripts={"test": script}), "test/cart.test.js")
    assert repr(script) in str(caught.value)


def test_jest_needs_what_writes_its_report() -> None:
    with pytest.raises(UsageError, match="jest-junit"):
        plan_of(package(devDependencies={"jest": "^29"}), "cart.test.js")
    plan = plan_of(package(devDependencies={"jest": "^29", "jest-junit": "^16"}), "cart.test.js")
    assert plan.command[:2] == ("node", "node_modules/jest/bin/jest.js")
    assert plan.narrow_command == (*plan.command, "--runTestsByPath")
    assert plan.env["JEST_JUNIT_OUTPUT_FILE"] == plan.report


def test_go_leaves_its_own_report() -> None:
    plan = plan_of({"go.mod": "module shop"}, "cart_test.go", "cart.go")
    assert (plan.report, plan.report_format) == (GO_REPORT, ReportFormat.GO_JSON)
    assert (plan.selects_files, plan.recipe) == (False, None)


def test_maven_leaves_a_folder_of_reports() -> None:
    plan = plan_of({}, "pom.xml", "src/test/java/CartTest.java")
    assert plan.command[:2] == ("mvn", "-o")
    assert plan.report == "target/surefire-reports"


@pytest.mark.parametrize(
    ("files", "name"),
    [(("go.mod", "a_test.go"), "go"), (("pom.xml",), "mvn"), (("package.json", "test/a.test.js"), "node")],
)
def test_a_program_that_is_missing_is_named(files: tuple[str, ...], name: str) -> None:
    texts = package(scripts={"test": "node --test"})
    with pytest.raises(UsageError, match=f"need '{name}', which is not on PATH"):
        plan_for(files, PYTHON, texts=texts, find=lambda _: None)


def test_a_program_of_the_users_own_is_made_readable(tmp_path: Path) -> None:
    node = tmp_path / "v20" / "bin" / "node"
    plan = plan_of(package(scripts={"test": "node --test"}), "test/a.js", find=lambda _: str(node))
    assert plan.command[0] == str(node)
    assert {node.parent, node.parent.parent} <= set(plan.readable)


def test_of_several_languages_the_one_with_most_tests_is_run_and_the_others_are_named() -> None:
    texts = package(scripts={"test": "node --test"})
    plan = plan_of(texts, "tests/test_a.py", "tests/test_b.py", "web/a.test.js")
    assert plan.command[0] == str(PYTHON)
    [notice] = plan.notices
    assert "tests for python, which are run, and for node, which are not" in notice


def test_tests_that_cannot_be_run_leave_their_place_to_those_that_can() -> None:
    texts = package(scripts={"test": "mocha"})
    plan = plan_of(texts, "test_a.py", "web/a.test.js", "web/b.test.js")
    assert plan.command[0] == str(PYTHON)
    assert "for node, which are not" in plan.notices[0]


def test_a_command_of_ones_own_comes_before_all_presets() -> None:
    texts = package(devDependencies={"jest": "^29"})
    plan = plan_of(texts, "cart.test.js", command=["npx", "jest"], report="j.xml", environments=ENVIRONMENTS)
    assert (plan.command, plan.report) == (("npx", "jest"), "j.xml")
    assert plan.recipe is not None
    assert plan.links == (("node_modules", ENVIRONMENTS / plan.recipe.key / "node_modules"),)


def test_an_environment_is_for_repositories_that_depend_on_something() -> None:
    empty = {
        "pyproject.toml": "[project]\nname = 'a'\n[project.optional-dependencies]\ntest = ['pytest>=8']\n"
    }
    plan = plan_of(empty, "test_a.py", environments=ENVIRONMENTS)
    assert (plan.command[0], plan.recipe) == (str(PYTHON), None)
    plan = plan_of({"requirements.txt": "requests\n"}, "test_a.py", environments=ENVIRONMENTS)
    assert plan.recipe is not None
    folder = ENVIRONMENTS / plan.recipe.key / "python"
    assert plan.command[0] == str(folder / "bin" / "python")
    assert plan.readable[0] == folder
    assert plan.recipe.sources == ("requirements.txt",)


def test_nothing_is_built_where_it_is_switched_off() -> None:
    assert plan_of({"requirements.txt": "requests\n"}, "test_a.py").recipe is None
    assert (
        plan_of(package(dependencies={"ms": "2"}, scripts={"test": "node --test"}), "test/a.js").recipe
        is None
    )


def test_modules_of_node_that_the_repository_carries_are_left_as_they_are() -> None:
    texts = package(dependencies={"ms": "2"}, scripts={"test": "node --test"})
    plan = plan_of(texts, "test/a.js", "node_modules/ms/index.js", environments=ENVIRONMENTS)
    assert (plan.recipe, plan.links) == (None, ())


def test_the_modules_of_go_are_fetched_where_there_are_some() -> None:
    texts = {"go.mod": "module shop", "go.sum": "x v1 h1:abc="}
    plan = plan_of(texts, "a_test.go", environments=ENVIRONMENTS)
    assert plan.recipe is not None
    assert plan.recipe.kind is Kind.GO
    assert plan.env["GOMODCACHE"] == str(ENVIRONMENTS / plan.recipe.key / "modules")
    assert plan_of(texts, "a_test.go", "vendor/modules.txt", environments=ENVIRONMENTS).recipe is None


def test_a_declaration_that_cannot_be_read_is_named() -> None:
    plan = plan_of({}, "Pipfile.lock", "test_a.py", environments=ENVIRONMENTS)
    assert "Pipfile.lock cannot be read by Anton" in plan.notices[0]


def test_only_declarations_are_read() -> None:
    files = ["pyproject.toml", "sub/pyproject.toml", "requirements-dev.txt", "a.py", "README.md", "uv.lock"]
    assert worth_reading(files) == ("pyproject.toml", "requirements-dev.txt", "uv.lock")
