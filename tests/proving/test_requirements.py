from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.proving.requirements import asked_for, locked_options, named, tidy

PYPROJECT = """
[project]
name = "my.shop"
dependencies = ["requests >= 2", "shop-core @ file:///srv/core"]
[project.optional-dependencies]
test = ["my-shop[fast]", "pytest"]
fast = ["orjson"]
docs = ["sphinx"]
[dependency-groups]
dev = [{include-group = "typing"}, "coverage"]
typing = ["mypy", {include-group = "dev"}]
lint = ["ruff"]
"""
SETUP_CFG = """
[options]
install_requires =
    requests>=2; python_version > "3"
    attrs
[options.extras_require]
test = hypothesis
docs = sphinx
"""
SETUP_PY = """
import os
from setuptools import setup
REQUIRES = ["requests", "attrs"]
setup(name="shop", install_requires=REQUIRES, tests_require=["freezegun"],
      extras_require={"dev": ["coverage"], "docs": ["sphinx"]})
os.system("touch /tmp/ran")
"""


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("pyproject.toml", PYPROJECT, ("requests >= 2", "orjson", "pytest", "mypy", "coverage")),
        ("setup.cfg", SETUP_CFG, ('requests>=2; python_version > "3"', "attrs", "hypothesis")),
        ("setup.py", SETUP_PY, ("requests", "attrs", "freezegun", "coverage")),
        ("requirements.txt", "# all\nsix\n-r more.txt\n-e .\n./local\n", ("six",)),
        ("setup.py", "setup(install_requires=read('requirements.txt'))", ()),
        ("setup.py", "def (", ()),
        ("pyproject.toml", "[project", ()),
        ("setup.cfg", "no section", ()),
    ],
)
def test_what_is_declared_for_running_and_testing_is_read(
    path: str, text: str, expected: tuple[str, ...]
) -> None:
    asked = asked_for(path, text)
    assert sorted(set(asked)) == sorted(expected)


def test_the_repository_itself_and_indexes_are_left_out_of_a_requirements_file() -> None:
    text = (
        "six==1.17.0 \\\n    --hash=sha256:abc\n-e .[test]\n--editable=../core\n.\n./core\n/srv/core\n"
        "file:core\n-i https://index.example/simple\n--extra-index-url https://index.example\n--find-links=wheels\n"
        "--trusted-host index.example\n-r more.txt\n-c constraints.txt\ncore @ file:///srv/core\n"
        "kept @ https://host.example/kept.whl\n"
    )
    assert tidy(text) == (
        "six==1.17.0 \\\n    --hash=sha256:abc\n-r more.txt\n-c constraints.txt\n"
        "kept @ https://host.example/kept.whl\n"
    )


def test_groups_and_extras_for_tests_are_chosen_of_a_lock() -> None:
    assert locked_options(PYPROJECT) == ("--group", "dev", "--extra", "test")
    assert locked_options("") == ()


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("Zope.Interface>=5", "zope-interface"),
        ("a_b[x] ; y", "a-b"),
        ("  pytest", "pytest"),
        ("", ""),
        ("#", ""),
    ],
)
def test_a_requirement_is_known_by_its_normalized_name(requirement: str, name: str) -> None:
    assert named(requirement) == name


PIECES = st.sampled_from(
    [*PYPROJECT.splitlines(), *SETUP_CFG.splitlines(), *SETUP_PY.splitlines(), "\\", "-e"]
)


@given(
    st.sampled_from(["pyproject.toml", "setup.cfg", "setup.py", "requirements.txt"]),
    st.text(max_size=80) | st.lists(PIECES, max_size=12).map("\n".join),
)
def test_any_text_is_read_or_left(path: str, text: str) -> None:
    for requirement in asked_for(path, text):
        assert requirement.splitlines() == [requirement]
        named(requirement)
    locked_options(text)
