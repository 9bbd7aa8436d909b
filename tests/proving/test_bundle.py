"""A bundle is taken as it was packed, and in no other way."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import platform
import re
import sys
import tarfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.proving.conftest import FIXED, SHOWN, Project

from anton.adapters.repository.git import GitRepository
from anton.core.codec import proof_as_json
from anton.core.errors import OutsideError
from anton.core.proof import Blame, Case, Cell, CellStatus, Outcome, Proof, Suite, Tampering, Tree
from anton.core.verdict import judge
from anton.ports import BaseCommit
from anton.proving.archive import BundleRefused, pack_archive, read_archive
from anton.proving.bundle import About, check_objects, pack_bundle, read_bundle
from anton.proving.contents import (
    MANIFEST,
    PROOF,
    RERUN,
    canonical,
    cell_files,
    junit_of,
    manifest_of,
)
from anton.proving.harvest import Harvest, Work, harvest
from anton.proving.junit import read_report
from anton.proving.plan import TestPlan
from anton.proving.portable import traces

PYTHON = Path(sys.prefix) / "bin" / "python"
COMMAND = (str(PYTHON), "-m", "pytest", "--rootdir=.")
TRACE = f"E   assert 2 == 3\n{sys.prefix}/lib/site.py:3\n/home/ada/notes on {platform.node()}"
OLD = "tests.test_cart::test_nothing"
BOTH = ("tests.test_total::test_all_count", "tests.test_total::test_empty")


def ran(suite: Suite, tree: Tree, sha: str, paths: tuple[str, ...], *cases: Case, attempt: int = 1) -> Cell:
    """A run as it is recorded."""
    command = (*COMMAND, *paths)
    return Cell(suite, tree, CellStatus.RAN, cases, sha, command, paths, 0, TRACE, 1.25, attempt)


def filled(found: Harvest) -> tuple[Cell, ...]:
    """The matrix of an honest repair of the shop."""
    trees, new = found.trees, ("tests/test_total.py",)
    assert trees.base_with_tests
    fails, passes = Case(BOTH[0], Outcome.FAILED, TRACE), Case(BOTH[0], Outcome.PASSED)
    edge = Case(BOTH[1], Outcome.PASSED)
    return (
        ran(Suite.NEW, Tree.BASE, trees.base_with_tests, new, fails, edge),
        ran(Suite.NEW, Tree.BASE, trees.base_with_tests, new, fails, edge, attempt=2),
        ran(Suite.OLD, Tree.BASE, trees.base, (), Case(OLD, Outcome.PASSED)),
        ran(Suite.WHOLE, Tree.FIX, trees.head, (), Case(OLD, Outcome.PASSED), passes, edge),
        ran(Suite.NEW, Tree.FIX, trees.head, new, passes, edge),
    )


@dataclass(frozen=True)
class Packed:
    """A bundle together with what it was made of."""

    bundle: bytes
    proof: Proof
    plan: TestPlan
    about: About
    repository: GitRepository

    async def again(self, **changes: int) -> bytes:
        return await pack_bundle(self.repository, self.proof, self.plan, self.about, **changes)


async def repaired(project: Project) -> Packed:
    plan = replace(project.plan(), env={"PYTHONPATH": ".", "API_TOKEN": "s3cret", "HOME": "/home/ada"})
    base = project.base
    code, test = await project.tree(FIXED), await project.tree(SHOWN)
    work = Work(base.commit, base.tree, code, test, {}, "BUG-7", 1_764_000_000)
    found = await harvest(project.repository, work, plan)
    proof = judge(1, found.patch, filled(found), "full (bubblewrap)")
    assert proof.green, proof.faults
    where = traces((Path(sys.prefix),), {project.folder: "/anton"}, platform.node())
    about = About("BUG-7", base.tree, "1.2.3", f"CPython 3\n{sys.prefix}\n", where)
    bundle = await pack_bundle(project.repository, proof, plan, about)
    return Packed(bundle, proof, plan, about, project.repository)


@pytest.fixture(scope="session")
def packed(opened: tuple[Path, BaseCommit], tmp_path_factory: pytest.TempPathFactory) -> Packed:
    folder, base = opened
    repository = GitRepository(folder / "checkout", folder / "mirror")
    return asyncio.run(repaired(Project(repository, base, tmp_path_factory.mktemp("repair"))))


def refused(bundle: bytes) -> str:
    with pytest.raises(BundleRefused) as found:
        read_bundle(bundle)
    return str(found.value)


async def test_untouched_it_is_taken_and_agrees_with_its_git_objects(packed: Packed, tmp_path: Path) -> None:
    bundle = read_bundle(packed.bundle)
    assert bundle.rerun.ticket == "BUG-7"
    assert bundle.proof.green
    assert bundle.proof.patch == packed.proof.patch
    assert [cell.seconds for cell in bundle.proof.cells] == [0.0] * 5
    assert bundle.rerun.command[0] == "{python}"
    mirror = GitRepository(tmp_path / "nowhere", tmp_path / "mirror")
    await check_objects(bundle, mirror)
    assert await mirror.read(bundle.rerun.trees.head, "shop/cart.py") == FIXED["shop/cart.py"].encode()  # type: ignore[union-attr]


async def test_packing_twice_gives_the_same_bytes(packed: Packed) -> None:
    assert await packed.again() == packed.bundle


def test_it_holds_what_a_reviewer_looks_for(packed: Packed) -> None:
    with tarfile.open(fileobj=io.BytesIO(packed.bundle), mode="r:gz") as tar:
        names = tar.getnames()
    assert names == [
        "cells/01-new-tests-on-base.xml",
        "cells/02-new-tests-on-base-run-2.xml",
        "cells/03-old-suite-on-base.xml",
        "cells/04-whole-suite-on-fix.xml",
        "cells/05-new-tests-on-fix.xml",
        "environment.txt",
        "fix.diff",
        "manifest.json",
        "new_tests/tests/test_total.py",
        "objects.pack",
        "proof.json",
        "rerun.json",
        "tests.diff",
    ]


def test_the_manifest_has_claims_counts_and_digests(packed: Packed) -> None:
    files = read_archive(packed.bundle)
    manifest = json.loads(files[MANIFEST])
    assert manifest["claims"]["reproducing"] == [BOTH[0]]
    assert manifest["claims"]["cured"] is True
    assert manifest["claims"]["regressed"] == []
    assert manifest["cells"][0]["counts"] == {"passed": 1, "failed": 1, "error": 0, "skipped": 0}
    assert manifest["base"]["commit"] == packed.proof.patch.base
    assert manifest["files"]["fix.diff"]["sha256"] == hashlib.sha256(files["fix.diff"]).hexdigest()
    assert set(manifest["files"]) == set(files) - {MANIFEST}


def test_nothing_of_the_machine_is_in_it(packed: Packed) -> None:
    tar = gzip.decompress(packed.bundle)
    for trace in (sys.prefix, "/home/ada", str(packed.about.traces), "s3cret", "1.25"):
        assert trace.encode() not in tar, trace
    if len(platform.node()) >= 4 and platform.node() != "localhost":
        assert not re.search(rb"\b" + re.escape(platform.node().encode()) + rb"\b", tar)
    assert read_bundle(packed.bundle).rerun.withheld == ("API_TOKEN",)


def test_the_cells_are_junit_that_reads_back(packed: Packed) -> None:
    for name, cell in cell_files(read_bundle(packed.bundle).proof).items():
        assert read_report(read_archive(packed.bundle)[name]) == cell.cases


@given(st.text(max_size=50), st.text(max_size=80))
def test_any_name_and_message_make_xml_that_can_be_read(name: str, message: str) -> None:
    cell = ran(Suite.NEW, Tree.BASE, "0" * 40, (), Case(name, Outcome.FAILED, message))
    [case] = read_report(junit_of(cell).replace(b"\xef\xbf\xbd", b"?"))
    assert case.outcome is Outcome.FAILED


@given(st.data())
def test_a_changed_byte_anywhere_is_refused(packed: Packed, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(packed.bundle) - 1))
    changed = bytearray(packed.bundle)
    changed[at] ^= data.draw(st.integers(1, 255))
    refused(bytes(changed))


@given(st.data())
def test_a_changed_byte_in_a_file_is_refused_naming_the_file(packed: Packed, data: st.DataObject) -> None:
    files = read_archive(packed.bundle)
    name = data.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[name])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    said = refused(pack_archive({**files, name: bytes(content)}))
    assert name in said or MANIFEST in said


@given(st.data())
def test_a_cut_or_longer_file_is_refused(packed: Packed, data: st.DataObject) -> None:
    refused(packed.bundle[: data.draw(st.integers(0, len(packed.bundle) - 1))])
    refused(packed.bundle + data.draw(st.binary(min_size=1, max_size=2_000)))


@given(st.data())
def test_a_file_that_is_missing_added_or_renamed_is_named(packed: Packed, data: st.DataObject) -> None:
    files = read_archive(packed.bundle)
    name = data.draw(st.sampled_from(sorted(files)))
    less = {n: content for n, content in files.items() if n != name}
    assert name in refused(pack_archive(less))
    assert "zzz" in refused(pack_archive({**files, "zzz": b""}))
    assert name in refused(pack_archive({**less, f"{name}x": files[name]}))


@given(st.data())
def test_two_files_that_changed_places_are_named(packed: Packed, data: st.DataObject) -> None:
    files = read_archive(packed.bundle)
    pair = st.lists(st.sampled_from(sorted(files)), min_size=2, max_size=2, unique=True)
    one, other = data.draw(pair.filter(lambda names: files[names[0]] != files[names[1]]))
    said = refused(pack_archive({**files, one: files[other], other: files[one]}))
    assert one in said or other in said or MANIFEST in said


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key in value for leaf in leaves(value[key], (*path, key))]
    if isinstance(value, list):
        return [leaf for n, item in enumerate(value) for leaf in leaves(item, (*path, n))] or [path]
    return [path]


def test_every_figure_of_the_manifest_is_checked(packed: Packed) -> None:
    files = read_archive(packed.bundle)
    every = leaves(json.loads(files[MANIFEST]))
    assert len(every) > 80
    for path in every:
        manifest = json.loads(files[MANIFEST])
        holder = manifest
        for step in path[:-1]:
            holder = holder[step]
        old = holder[path[-1]]
        holder[path[-1]] = old + 1 if isinstance(old, int) else [*old, "x"] if isinstance(old, list) else "x"
        said = refused(pack_archive({**files, MANIFEST: canonical(manifest)}))
        assert MANIFEST in said


def forged(packed: Packed, change: Callable[[Proof], Proof]) -> bytes:
    """A bundle whose proof was changed, with cells, manifest and digests made to fit."""
    files = dict(read_archive(packed.bundle))
    bundle = read_bundle(packed.bundle)
    proof = change(bundle.proof)
    files = {name: content for name, content in files.items() if not name.startswith("cells/")}
    files |= {name: junit_of(cell) for name, cell in cell_files(proof).items()}
    files[PROOF] = proof_as_json(proof)
    files[MANIFEST] = canonical(manifest_of(files, proof, bundle.rerun))
    return pack_archive(files)


def with_outcome(number: int, outcome: Outcome) -> Callable[[Proof], Proof]:
    def change(proof: Proof) -> Proof:
        cells = list(proof.cells)
        first, *others = cells[number].cases
        cells[number] = replace(cells[number], cases=(replace(first, outcome=outcome), *others))
        return replace(proof, cells=tuple(cells))

    return change


def swapped(proof: Proof) -> Proof:
    one, *middle, other = proof.cells
    return replace(proof, cells=(replace(one, cases=other.cases), *middle, replace(other, cases=one.cases)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (with_outcome(4, Outcome.FAILED), "claims 'reproducing' otherwise"),
        (with_outcome(3, Outcome.FAILED), "leaves out a fault that its own cells show: regressed"),
        (with_outcome(2, Outcome.FAILED), "claims 'already_red' otherwise"),
        (with_outcome(0, Outcome.PASSED), "claims 'reproducing' otherwise"),
        (swapped, "claims 'reproducing' otherwise"),
        (lambda proof: replace(proof, reproducing=BOTH), "claims 'reproducing' otherwise"),
        (lambda proof: replace(proof, flaky=(OLD,)), "claims 'flaky' otherwise"),
        (lambda proof: replace(proof, cells=proof.cells[:3]), "otherwise than its own cells"),
        (lambda proof: replace(proof, cells=proof.cells[:-1]), "otherwise than its own cells"),
        (
            lambda proof: replace(proof, tampering=(Tampering("skipped", "t.py", 1, "why", Blame.TEST),)),
            "leaves out a fault that its own cells show: tampered",
        ),
        (
            lambda proof: replace(proof, cells=tuple(replace(c, tree_sha="0" * 40) for c in proof.cells)),
            "names other trees",
        ),
        (
            lambda proof: replace(proof, cells=tuple(replace(c, command=("true",)) for c in proof.cells)),
            "another test command",
        ),
        (
            lambda proof: replace(
                proof, patch=replace(proof.patch, diff=proof.patch.diff.replace("1:", "2:"))
            ),
            "are not the diff in proof.json",
        ),
        (
            lambda proof: replace(proof, patch=replace(proof.patch, head=proof.patch.base)),
            "names other commits",
        ),
    ],
)
def test_a_proof_that_does_not_follow_from_its_cells_is_refused(
    packed: Packed, change: Callable[[Proof], Proof], says: str
) -> None:
    assert says in refused(forged(packed, change))


def rerecorded(packed: Packed, **changes: Any) -> bytes:
    """A bundle whose rerun.json was changed, and all that follows from it."""
    bundle = read_bundle(packed.bundle)
    rerun = replace(bundle.rerun, **changes)
    files = {**bundle.files, RERUN: canonical(asdict(rerun))}
    files[MANIFEST] = canonical(manifest_of(files, bundle.proof, rerun))
    return pack_archive(files)


def test_a_bundle_of_another_format_says_so(packed: Packed) -> None:
    files = read_archive(packed.bundle)
    manifest = {**json.loads(files[MANIFEST]), "format": 3}
    assert "names the format 3" in refused(pack_archive({**files, MANIFEST: canonical(manifest)}))


async def test_a_changed_diff_is_refused_by_git_even_if_everything_else_was_made_to_fit(
    packed: Packed, tmp_path: Path
) -> None:
    def change(proof: Proof) -> Proof:
        return replace(proof, patch=replace(proof.patch, diff=proof.patch.diff.replace("prices)", "price)")))

    bundle = read_bundle(packed.bundle)
    files = dict(read_archive(packed.bundle))
    files["fix.diff"] = files["fix.diff"].replace(b"prices)", b"price)")
    files["tests.diff"] = files["tests.diff"].replace(b"prices)", b"price)")
    files[PROOF] = proof_as_json(change(bundle.proof))
    files[MANIFEST] = canonical(manifest_of(files, change(bundle.proof), bundle.rerun))
    changed = read_bundle(pack_archive(files))
    with pytest.raises(BundleRefused, match=r"'fix\.diff' is not the change between the trees"):
        await check_objects(changed, GitRepository(tmp_path / "nowhere", tmp_path / "mirror"))


async def test_a_changed_test_file_is_refused_by_git(packed: Packed, tmp_path: Path) -> None:
    bundle = read_bundle(packed.bundle)
    files = {**bundle.files, "new_tests/tests/test_total.py": b"def test_all_count(): pass\n"}
    files[MANIFEST] = canonical(manifest_of(files, bundle.proof, bundle.rerun))
    changed = read_bundle(pack_archive(files))
    with pytest.raises(BundleRefused, match=r"test_total\.py' is not the file in the tree"):
        await check_objects(changed, GitRepository(tmp_path / "nowhere", tmp_path / "mirror"))


async def test_damaged_objects_are_refused(packed: Packed, tmp_path: Path) -> None:
    bundle = read_bundle(packed.bundle)
    objects = bundle.files["objects.pack"]
    for number, broken in enumerate((b"", objects[:-21], objects + b"x", objects.replace(b"PACK", b"PARK"))):
        changed = replace(bundle, files={**bundle.files, "objects.pack": broken})
        with pytest.raises(OutsideError):
            await check_objects(changed, GitRepository(tmp_path / "nowhere", tmp_path / f"mirror{number}"))


async def test_a_large_base_is_left_out_and_comes_from_a_repository(
    packed: Packed, opened: tuple[Path, BaseCommit], tmp_path: Path
) -> None:
    thin = read_bundle(await packed.again(max_base_bytes=10))
    assert not thin.rerun.self_contained
    with pytest.raises(OutsideError):
        await check_objects(thin, GitRepository(tmp_path / "nowhere", tmp_path / "bare"))
    folder, base = opened
    theirs = GitRepository(folder / "checkout", tmp_path / "mirror")
    await theirs.resolve(base.commit)
    await check_objects(thin, theirs)


def test_a_link_name_or_a_report_elsewhere_is_no_way_out(packed: Packed) -> None:
    assert "report" in refused(rerecorded(packed, report="/etc/passwd"))
    assert "report" in refused(rerecorded(packed, report="../x"))
    assert "link" in refused(rerecorded(packed, links=("../x",)))
    assert "object id" in refused(rerecorded(packed, base="--upload-pack=x"))
    assert "time limit" in refused(rerecorded(packed, timeout_seconds=-1.0))


async def test_tests_shown_on_the_wrong_tree_are_refused(
    packed: Packed, shop: Project, tmp_path: Path
) -> None:
    """Whoever breaks base some more, so that the new tests fail there, is found out by git."""
    broken = await shop.tree({**SHOWN, "shop/cart.py": "def total(prices):\n    return 7\n"})
    cells = tuple(
        replace(cell, tree_sha=broken) if (cell.suite, cell.tree) == (Suite.NEW, Tree.BASE) else cell
        for cell in packed.proof.cells
    )
    proof = replace(packed.proof, cells=cells)
    bundle = read_bundle(await pack_bundle(packed.repository, proof, packed.plan, packed.about))
    with pytest.raises(BundleRefused, match="'base_with_tests' is not base with the tests of the patch"):
        await check_objects(bundle, GitRepository(tmp_path / "nowhere", tmp_path / "mirror"))
