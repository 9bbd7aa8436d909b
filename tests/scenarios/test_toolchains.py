"""Suites of several languages, run by what is installed here; what they depend on comes from its registry."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from anton.adapters.sandbox.choose import choose
from anton.core.proof import Outcome, Suite, Tree
from anton.proving.environment import EnvironmentUnbuildable
from anton.proving.programs import find_program
from anton.proving.suite import SuiteRunner
from anton.runs.planning import planned
from anton.settings import package_sources_of_process
from tests.office import Office

pytestmark = pytest.mark.slow

OUT_OF_REACH = re.compile("ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|network|in offline mode")
CART = """function total(prices) {
  return prices.reduce((a, b) => a + b)
}
module.exports = { total }
"""


async def baseline(folder: Path, program: str, files: Mapping[str, str]) -> Mapping[str, Outcome]:
    """What a repository's own tests say before anything is changed."""
    if find_program(program) is None:
        pytest.skip(f"there is no {program} on this machine")
    sandbox = await choose()
    if not sandbox.usable:
        pytest.skip(sandbox.description)
    office = Office(folder, files=files, sandbox=sandbox, package_sources=package_sources_of_process())
    world = office.world()
    repository = world.repository(str(office.checkout))
    base = await repository.resolve("")
    plan = (await planned(world, repository, base.tree)).plan
    prepare = partial(world.environments.ensure, plan.recipe)
    runner = SuiteRunner(sandbox, repository, folder / "trees", plan, prepare=prepare)
    try:
        cell = await runner.run(base.tree, Suite.OLD, Tree.BASE)
        said = cell.output
    except EnvironmentUnbuildable as error:
        said = str(error)
    if OUT_OF_REACH.search(said):
        pytest.skip(f"what it depends on is out of reach: {said}")
    assert cell.cases, said
    return {case.id: case.outcome for case in cell.cases}


async def test_what_a_node_package_depends_on_is_there_in_every_tree(tmp_path: Path) -> None:
    package = {"scripts": {"test": "node --test"}, "dependencies": {"ms": "^2.1.0"}}
    test = "const ms = require('ms')\nconst { test } = require('node:test')\n"
    test += "test('an hour', () => { if (ms('1h') !== 3600000) throw new Error('no') })\n"
    files = {"package.json": json.dumps(package), "test/hour.test.js": test}
    assert await baseline(tmp_path, "npm", files) == {"an hour": Outcome.PASSED}


async def test_jest_runs_where_jest_junit_is_declared(tmp_path: Path) -> None:
    package = {"scripts": {"test": "jest"}, "devDependencies": {"jest": "^29.7.0", "jest-junit": "^16.0.0"}}
    test = "const { total } = require('../src/cart.js')\n"
    test += "test('adds prices up', () => expect(total([100, 250])).toBe(350))\n"
    test += "test('is empty', () => expect(total([])).toBe(0))\n"
    files = {"package.json": json.dumps(package), "src/cart.js": CART, "test/cart.test.js": test}
    assert await baseline(tmp_path, "npm", files) == {
        "test/cart.test.js::adds prices up": Outcome.PASSED,
        "test/cart.test.js::is empty": Outcome.FAILED,
    }


async def test_go_runs_without_a_network(tmp_path: Path) -> None:
    cart = "package shop\n\nfunc Total(a, b int) int { return a + b }\n"
    test = (
        'package shop\n\nimport "testing"\n\n'
        'func TestAdds(t *testing.T) { if Total(1, 2) != 3 { t.Error("no") } }\n\n'
        'func TestFails(t *testing.T) { if Total(1, 2) != 4 { t.Error("no") } }\n'
    )
    files = {"go.mod": "module example.com/shop\n\ngo 1.19\n", "cart.go": cart, "cart_test.go": test}
    assert await baseline(tmp_path, "go", files) == {
        "example.com/shop::TestAdds": Outcome.PASSED,
        "example.com/shop::TestFails": Outcome.FAILED,
    }


POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.example</groupId><artifactId>shop</artifactId><version>1</version>
  <properties>
    <maven.compiler.source>17</maven.compiler.source>
    <maven.compiler.target>17</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies><dependency>
    <groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter</artifactId><version>5.11.4</version>
    <scope>test</scope>
  </dependency></dependencies>
  <build><plugins>
    <plugin><artifactId>maven-surefire-plugin</artifactId><version>3.2.5</version></plugin>
    <plugin><artifactId>maven-compiler-plugin</artifactId><version>3.13.0</version></plugin>
    <plugin><artifactId>maven-resources-plugin</artifactId><version>3.3.1</version></plugin>
  </plugins></build>
</project>
"""


async def test_maven_runs_on_what_it_has_fetched_before(tmp_path: Path) -> None:
    test = (
        "import static org.junit.jupiter.api.Assertions.*;\nimport org.junit.jupiter.api.*;\n"
        "class CartTest {\n"
        "  @Test void adds() { assertEquals(3, Cart.total(1, 2)); }\n"
        "  @Test void fails() { assertEquals(4, Cart.total(1, 2)); }\n}\n"
    )
    files = {
        "pom.xml": POM,
        "src/main/java/Cart.java": "class Cart { static int total(int a, int b) { return a + b; } }\n",
        "src/test/java/CartTest.java": test,
    }
    assert await baseline(tmp_path, "mvn", files) == {
        "CartTest::adds": Outcome.PASSED,
        "CartTest::fails": Outcome.FAILED,
    }
