"""Environments are built from a folder of packages, without a network, in each sandbox that works here."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.wheels import OF_PYTEST, add_installed, add_source, add_wheel

from anton.adapters.sandbox.choose import Kind as SandboxKind
from anton.adapters.sandbox.choose import choose
from anton.adapters.sandbox.closed import NoSandbox
from anton.core.errors import SandboxError
from anton.ports import Command, Execution, Sandbox, SandboxLevel
from anton.proving.declarations import Declared, Kind, Recipe, node_recipe, python_recipe
from anton.proving.environment import Environments, EnvironmentUnbuildable
from anton.proving.plan import TestPlan
from anton.proving.presets import plan_for
from anton.proving.programs import Machine
from anton.settings import package_sources_of_process

PYTHON = Path(sys.executable)
MACHINE = Machine(PYTHON)
BACKEND = """
import pathlib, socket, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "handmade-1-py3-none-any.whl"
    try:
        seen = pathlib.Path("CANARY").read_text()
    except OSError:
        seen = "nothing"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as archive:
        archive.writestr("handmade.py", f"seen = {seen!r}")
        info = "handmade-1.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: handmade\\nVersion: 1\\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(f"{info}/RECORD", "")
    return name
"""


@dataclass
class Counting:
    """A sandbox that remembers what it ran."""

    inner: Sandbox
    ran: list[Command] = field(default_factory=list)

    @property
    def level(self) -> SandboxLevel:
        return self.inner.level

    @property
    def description(self) -> str:
        return self.inner.description

    @property
    def usable(self) -> bool:
        return self.inner.usable

    async def run(self, command: Command) -> Execution:
        self.ran.append(command)
        return await self.inner.run(command)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    add_wheel(folder, "greeting", "1.0", {"greeting.py": "def greet():\n    return 'hello'\n"})
    add_wheel(folder, "checking", "2.1", {"checking/__init__.py": "depth = 3\n"})
    add_installed(folder, *OF_PYTEST)
    return folder


def sources(wheels: Path) -> dict[str, str]:
    return {"PIP_FIND_LINKS": str(wheels), "PIP_NO_INDEX": "1", "UV_OFFLINE": "1"}


TEXTS = {
    "requirements.txt": "greeting==1.0\n-e .\n--index-url https://index.example/simple\n",
    "pyproject.toml": (
        '[project]\nname = "shop"\nversion = "1"\n[project.optional-dependencies]\ntest = ["checking>=2"]\n'
    ),
}


def recipe_of(texts: dict[str, str]) -> Recipe:
    recipe = python_recipe(Declared(tuple(texts), texts), MACHINE.toolchain)
    assert recipe is not None
    return recipe


def plan_of(texts: dict[str, str], environments: Path) -> TestPlan:
    return plan_for(tuple(texts), PYTHON, texts=texts, environments=environments)


async def confined(kind: SandboxKind = SandboxKind.AUTO) -> Sandbox:
    sandbox = await choose(kind)
    if not sandbox.usable:
        pytest.skip(sandbox.description)
    return sandbox


async def told_by(sandbox: Sandbox, plan: TestPlan, tree: Path, script: str) -> str:
    """What a program says in the place of the tests."""
    tree.mkdir(exist_ok=True)
    command = Command((plan.command[0], "-c", script), tree, 30, plan.env, plan.readable)
    return (await sandbox.run(command)).output


def without_uv(name: str) -> None:
    return None


@pytest.mark.parametrize("kind", [SandboxKind.BUBBLEWRAP, SandboxKind.LANDLOCK])
async def test_what_is_declared_is_there_for_the_tests_and_cannot_be_changed_by_them(
    kind: SandboxKind, wheels: Path, tmp_path: Path
) -> None:
    sandbox = await confined(kind)
    folder = tmp_path / "environments"
    plan = plan_of(TEXTS, folder)
    await Environments(folder, sandbox, MACHINE, sources(wheels)).ensure(plan.recipe)
    script = (
        "import checking, greeting, pathlib, pytest\n"
        "print(greeting.greet(), checking.depth, pathlib.Path(pytest.__file__).parts[-4:-2])\n"
        "try:\n"
        "    pathlib.Path(greeting.__file__).write_text('')\n"
        "except OSError:\n"
        "    print('held')\n"
    )
    said = await told_by(sandbox, plan, tmp_path / "tree", script)
    assert said == f"hello 3 ('python{sys.version_info[0]}.{sys.version_info[1]}', 'site-packages')\nheld\n"


@pytest.mark.slow
async def test_without_uv_it_is_built_by_what_python_brings(wheels: Path, tmp_path: Path) -> None:
    sandbox = Counting(await confined())
    recipe = recipe_of(TEXTS)
    machine = replace(MACHINE, find=without_uv)
    environments = Environments(tmp_path, sandbox, machine, sources(wheels))
    await environments.ensure(recipe)
    plan = plan_of(TEXTS, tmp_path)
    assert "hello" in await told_by(
        sandbox, plan, tmp_path / "tree", "import greeting, pytest; print(greeting.greet())"
    )
    script = (tmp_path / recipe.key / "python" / "bin" / "pytest").read_text()
    assert script.startswith("#!/usr/bin/env python3\n")


async def test_it_is_built_once_however_many_come_at_once(wheels: Path, tmp_path: Path) -> None:
    sandbox = Counting(await confined())
    recipe = recipe_of(TEXTS)
    several = [Environments(tmp_path, sandbox, MACHINE, sources(wheels)) for _ in range(3)]
    await asyncio.gather(*(environments.ensure(recipe) for environments in several))
    built = len(sandbox.ran)
    await several[0].ensure(recipe)
    assert len(sandbox.ran) == built == 4
    assert all(command.network for command in sandbox.ran)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [recipe.key, f"{recipe.key}.lock", f"{recipe.key}.log"]
    )


async def test_nothing_is_to_be_done_where_nothing_is_declared(tmp_path: Path) -> None:
    await Environments(tmp_path / "none", NoSandbox("a test"), MACHINE).ensure(None)
    assert not (tmp_path / "none").exists()


async def test_what_cannot_be_built_says_so_in_the_tools_own_words(wheels: Path, tmp_path: Path) -> None:
    recipe = recipe_of({"requirements.txt": "nowhere-to-be-found==1.0\n"})
    environments = Environments(tmp_path, await confined(), MACHINE, sources(wheels))
    with pytest.raises(EnvironmentUnbuildable, match=r"requirements\.txt") as caught:
        await environments.ensure(recipe)
    assert "nowhere-to-be-found" in str(caught.value).partition("Its own words:")[2]
    assert "nowhere-to-be-found" in (tmp_path / f"{recipe.key}.log").read_text()
    assert not (tmp_path / recipe.key).exists()
    assert not (tmp_path / f"{recipe.key}.draft").exists()


async def test_a_build_that_was_cut_short_is_begun_anew(wheels: Path, tmp_path: Path) -> None:
    recipe = recipe_of(TEXTS)
    (tmp_path / f"{recipe.key}.draft" / "python").mkdir(parents=True)
    await Environments(tmp_path, await confined(), MACHINE, sources(wheels)).ensure(recipe)
    assert (tmp_path / recipe.key / "python" / "bin" / "python").exists()


async def test_a_build_ends_with_its_time(wheels: Path, tmp_path: Path) -> None:
    environments = Environments(tmp_path, await confined(), MACHINE, sources(wheels), timeout_seconds=0)
    with pytest.raises(EnvironmentUnbuildable, match="not done after 0 seconds"):
        await environments.ensure(recipe_of(TEXTS))


async def test_without_a_sandbox_nothing_is_built(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="no sandbox"):
        await Environments(tmp_path, NoSandbox("a test"), MACHINE, sources(wheels)).ensure(recipe_of(TEXTS))


@pytest.fixture
def handmade(tmp_path: Path) -> Path:
    """A folder with a package that has no wheel, and whose build looks around."""
    canary = tmp_path / "canary"
    canary.write_text("a secret")
    folder = tmp_path / "sources"
    folder.mkdir()
    add_source(folder, "handmade", "1", BACKEND.replace("CANARY", str(canary)))
    add_installed(folder, *OF_PYTEST)
    return folder


async def test_a_package_without_a_wheel_is_built_inside_the_sandbox(handmade: Path, tmp_path: Path) -> None:
    sandbox = await confined()
    texts = {"requirements.txt": "handmade\n"}
    plan = plan_of(texts, tmp_path / "environments")
    environments = Environments(tmp_path / "environments", sandbox, MACHINE, sources(handmade))
    await environments.ensure(plan.recipe)
    said = await told_by(sandbox, plan, tmp_path / "tree", "import handmade; print(handmade.seen)")
    assert said == "nothing\n"


async def test_no_code_of_packages_runs_where_it_could_read_a_password(
    handmade: Path, tmp_path: Path
) -> None:
    secret = {"PIP_EXTRA_INDEX_URL": "https://anton:hunter2@127.0.0.1:1/simple"}
    sandbox = Counting(await confined())
    environments = Environments(tmp_path / "e", sandbox, MACHINE, sources(handmade) | secret)
    with pytest.raises(EnvironmentUnbuildable) as caught:
        await environments.ensure(recipe_of({"requirements.txt": "handmade\n"}))
    assert all("venv" in command.argv or "--only-binary" in command.argv for command in sandbox.ran)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in next((tmp_path / "e").glob("*.log")).read_text()


Change = Callable[[Recipe], Recipe]


@pytest.mark.parametrize(
    "change",
    [
        lambda recipe: replace(recipe, inputs={**recipe.inputs, "requirements.txt": "greeting==1.1\n"}),
        lambda recipe: replace(recipe, toolchain="another interpreter"),
        lambda recipe: replace(recipe, kind=Kind.NODE),
        lambda recipe: replace(recipe, options=("--group", "dev")),
    ],
)
def test_another_declaration_or_interpreter_is_another_environment(change: Change) -> None:
    recipe = recipe_of(TEXTS)
    assert recipe.key == recipe_of(dict(reversed(TEXTS.items()))).key
    assert change(recipe).key != recipe.key


async def test_a_lock_file_is_installed_as_it_is_locked(wheels: Path, tmp_path: Path) -> None:
    lock = (
        'version = 1\nrequires-python = ">=3.11"\n'
        '[[package]]\nname = "greeting"\nversion = "1.0"\n'
        f'source = {{ registry = "{wheels}" }}\nwheels = [{{ path = "greeting-1.0-py3-none-any.whl" }}]\n'
        '[[package]]\nname = "shop"\nversion = "1"\nsource = { virtual = "." }\n'
        'dependencies = [{ name = "greeting" }]\n'
    )
    texts = {
        "pyproject.toml": (
            "[project]\nname = 'shop'\nversion = '1'\nrequires-python = '>=3.11'\n"
            "dependencies = ['greeting']\n"
        ),
        "uv.lock": lock,
    }
    sandbox = await confined()
    plan = plan_of(texts, tmp_path / "environments")
    await Environments(tmp_path / "environments", sandbox, MACHINE, sources(wheels)).ensure(plan.recipe)
    said = await told_by(sandbox, plan, tmp_path / "tree", "import greeting, pytest; print(greeting.greet())")
    assert said == "hello\n"


async def installed(texts: dict[str, str], tmp_path: Path) -> Path:
    """The environment for some declarations, out of the registries that this machine reaches."""
    declared = Declared(tuple(texts), texts)
    recipe = python_recipe(declared, MACHINE.toolchain) or node_recipe(declared, MACHINE.toolchain)
    assert recipe is not None
    environments = Environments(tmp_path, await confined(), MACHINE, package_sources_of_process(), 100)
    try:
        await environments.ensure(recipe)
    except EnvironmentUnbuildable as error:
        pytest.skip(f"no registry within reach: {error}")
    return tmp_path / recipe.key


@pytest.mark.slow
async def test_packages_come_from_a_registry(tmp_path: Path) -> None:
    environment = await installed({"requirements.txt": "six\n"}, tmp_path)
    assert list(environment.glob("python/lib/*/site-packages/six.py"))


@pytest.mark.slow
async def test_packages_of_node_come_from_a_registry_and_run_no_scripts(tmp_path: Path) -> None:
    if MACHINE.find("npm") is None:
        pytest.skip("there is no npm")
    package = {"dependencies": {"ms": "2"}, "scripts": {"install": "touch ran", "prepare": "touch ran"}}
    environment = await installed({"package.json": json.dumps(package)}, tmp_path)
    assert (environment / "node_modules" / "ms" / "package.json").exists()
    assert not (environment / "ran").exists()
