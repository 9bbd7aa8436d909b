"""The proof bundle: one file that holds a proof and all that it takes to execute it again.

    proof + plan + git objects ──pack_bundle──► proof.tar.gz ──read_bundle──► Bundle ──► check_objects

`contents` has what stands in it, `archive` its outer form, `verification` executes it. What is read here was
written by anybody: nothing of it is believed that does not follow from the rest, down to the last byte.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from anton.core.codec import proof_as_json
from anton.core.errors import OutsideError
from anton.core.proof import Proof
from anton.core.secrets import MASK
from anton.core.verdict import judge
from anton.ports import Repository
from anton.proving.archive import BundleRefused, check_repacked, fits, pack_archive, read_archive
from anton.proving.contents import (
    ENVIRONMENT,
    FIX_DIFF,
    FIXED,
    FORMAT,
    MANIFEST,
    NEW_TESTS,
    OBJECTS,
    PROOF,
    RERUN,
    TESTS_DIFF,
    Rerun,
    canonical,
    cell_files,
    junit_of,
    manifest_of,
    programs_of,
    test_files,
    trees_of,
)
from anton.proving.harvest import Trees
from anton.proving.plan import ReportFormat, TestPlan
from anton.proving.portable import Traces, portable

MAX_BASE_BYTES = 20_000_000
"""Of a pack that holds the whole base tree; a larger repository has to be given to whoever verifies."""
MAX_OBJECTS_BYTES = 100_000_000
MAX_TEST_BYTES = 1_000_000
MAX_SECONDS = 86_400.0
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH|DSN|DATABASE_URL", re.IGNORECASE)

_PROOF: TypeAdapter[Proof] = TypeAdapter(Proof)
_RERUN: TypeAdapter[Rerun] = TypeAdapter(Rerun)


@dataclass(frozen=True, slots=True)
class About:
    """What a bundle says of a proof beside the proof itself."""

    ticket: str
    base_tree: str
    anton: str
    """Version."""
    environment: str
    """What the tests were run with, a line each."""
    traces: Traces
    """What is left out."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that agrees with itself."""

    files: Mapping[str, bytes]
    proof: Proof
    rerun: Rerun
    size: int
    """Bytes of the archive."""


async def pack_bundle(
    repository: Repository, proof: Proof, plan: TestPlan, about: About, max_base_bytes: int = MAX_BASE_BYTES
) -> bytes:
    """The bundle of a proof; the same proof gives the same bytes.

    Args:
        repository: Has the trees that were tested and the patch's commits.
        proof: As it was judged, with at least one cell.
        plan: How its tests were run.
        about: What else is said.
        max_base_bytes: Of the git pack, if the whole base tree is to be in it.

    Raises:
        OutsideError: the patch alone is larger than MAX_OBJECTS_BYTES.
    """
    exactly = await _exact(repository, proof, about.base_tree)
    portably = portable(exactly, _Elsewhere(_programs(proof), about.traces).command, about.traces)
    trees = await _trees(repository, portably, about.base_tree)
    commits = [commit.sha for commit in proof.patch.commits]
    whole = await repository.pack([proof.patch.base, *commits], trees.all, (), max_base_bytes)
    objects = whole or await repository.pack(commits, trees.all[1:], trees.all[:1], MAX_OBJECTS_BYTES)
    if objects is None:
        raise OutsideError(f"the patch alone has more than {MAX_OBJECTS_BYTES:,} bytes of git objects")
    rerun = _rerun(portably, plan, about, trees, self_contained=whole is not None)
    files = {
        PROOF: proof_as_json(portably),
        RERUN: canonical(asdict(rerun)),
        ENVIRONMENT: about.traces.hide(about.environment).encode(),
        FIX_DIFF: (await repository.diff(trees.base, trees.fix)).encode("utf-8", "replace"),
        TESTS_DIFF: (await repository.diff(trees.fix, trees.head)).encode("utf-8", "replace"),
        OBJECTS: objects,
        **await _new_tests(repository, portably, trees.head),
        **{name: junit_of(cell) for name, cell in cell_files(portably).items()},
    }
    files[MANIFEST] = canonical(manifest_of(files, portably, rerun))
    return pack_archive(files)


async def _exact(repository: Repository, proof: Proof, base: str) -> Proof:
    """The proof with its patch to the letter, where secrets of the repository's own stand near the change.

    They are masked wherever the patch is shown. The bundle holds the files themselves and is checked against
    them.
    """
    patch = proof.patch
    if MASK[:-1] not in patch.diff + patch.second_opinion:
        return proof
    trees = await _trees(repository, proof, base)
    diff = await repository.diff(trees.base, trees.fix) + await repository.diff(trees.fix, trees.head)
    second = await repository.diff(trees.base_with_tests or trees.base, trees.second) if trees.second else ""
    return replace(proof, patch=replace(patch, diff=diff, second_opinion=second))


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """Writes a command of this machine for another one."""

    programs: frozenset[str]
    traces: Traces

    def command(self, command: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            placeholder(word) if word in self.programs else self.traces.hide(word) for word in command
        )


def _programs(proof: Proof) -> frozenset[str]:
    """What the cells were run with, where it is named by its path."""
    named = (program for cell in proof.cells for program in programs_of(cell.command))
    return frozenset(program for program in named if program.startswith("/"))


def placeholder(program: str) -> str:
    """What stands for a program of one machine: `{python}` for any version of Python."""
    name = Path(program).name
    return "{python}" if re.fullmatch(r"python[\d.]*", name) else f"{{{name}}}"


async def _trees(repository: Repository, proof: Proof, base: str) -> Trees:
    """All trees of a proof; the fix alone is base with the source of what would be merged."""
    trees = trees_of(proof, base)
    if trees.fix != base or not proof.patch.source:
        return trees
    source = [change.path for change in proof.patch.source]
    return replace(trees, fix=await repository.graft(base, trees.head, source))


def _rerun(proof: Proof, plan: TestPlan, about: About, trees: Trees, *, self_contained: bool) -> Rerun:
    hide = about.traces.hide
    command, narrow_command = _commands(proof)
    return Rerun(
        format=FORMAT,
        anton=about.anton,
        ticket=about.ticket,
        base=proof.patch.base,
        head=proof.patch.head,
        trees=trees,
        self_contained=self_contained,
        command=command,
        report=plan.report,
        report_format=str(plan.report_format),
        narrow_command=narrow_command,
        timeout_seconds=float(plan.timeout_seconds),
        env=tuple(
            (name, hide(value)) for name, value in sorted(plan.env.items()) if not _SECRET.search(name)
        ),
        withheld=tuple(sorted(name for name in plan.env if _SECRET.search(name))),
        exit_codes=tuple(sorted(plan.exit_codes)),
        test_patterns=plan.test_patterns,
        links=tuple(name for name, _ in plan.links),
    )


def _commands(proof: Proof) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """How the whole suite was run, and what the files of the new tests were appended to."""
    whole = next((cell.command for cell in proof.cells if not cell.paths), ())
    narrow = next((c.command[: len(c.command) - len(c.paths)] for c in proof.cells if c.paths), whole)
    return whole or narrow, narrow


async def _new_tests(repository: Repository, proof: Proof, head: str) -> dict[str, bytes]:
    """The patch's test files as they are in a tree; one whose name no archive takes is in the diff alone."""
    found: dict[str, bytes] = {}
    for change in test_files(proof):
        if fits(NEW_TESTS + change.path):
            found[NEW_TESTS + change.path] = await repository.read(head, change.path, MAX_TEST_BYTES) or b""
    return found


def read_bundle(packed: bytes) -> Bundle:
    """A bundle, if every byte of it is as it was packed and every figure follows from what is in it.

    Raises:
        BundleRefused: it is not; the text names the file, the figure, or the byte.
    """
    files = read_archive(packed)
    manifest = _manifest(files)
    _check_files(files, manifest)
    proof = _parsed(files, PROOF, _PROOF, proof_as_json)
    rerun = _parsed(files, RERUN, _RERUN, lambda value: canonical(asdict(value)))
    _check_cells(files, proof)
    _check_judgement(proof)
    _check_rerun(files, proof, rerun)
    expected = json.loads(canonical(manifest_of(files, proof, rerun)))
    if at := _difference(manifest, expected, ""):
        raise BundleRefused(f"manifest.json says something that the rest does not bear out, at {at}")
    if files[MANIFEST] != canonical(expected):
        raise BundleRefused("manifest.json is not written as Anton writes it")
    check_repacked(packed, files)
    return Bundle(files, proof, rerun, len(packed))


def _manifest(files: Mapping[str, bytes]) -> Mapping[str, Any]:
    if MANIFEST not in files:
        raise BundleRefused("it holds no manifest.json, so it is no proof bundle")
    try:
        manifest = json.loads(files[MANIFEST])
    except (ValueError, RecursionError):
        raise BundleRefused("manifest.json was changed: it is no JSON") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise BundleRefused("manifest.json was changed: it lists no files")
    if manifest.get("format") != FORMAT:
        raise BundleRefused(
            f"manifest.json names the format {manifest.get('format')!r}; this version of Anton reads format "
            f"{FORMAT}. Use the version that it names, or see whether the file was changed"
        )
    return manifest


def _check_files(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> None:
    listed = manifest["files"]
    for name in sorted({*files, *listed, *FIXED} - {MANIFEST}):
        if name not in files:
            raise BundleRefused(f"{name!r} is missing")
        if name not in listed:
            raise BundleRefused(f"{name!r} was added: manifest.json does not list it")
        said = {"bytes": len(files[name]), "sha256": hashlib.sha256(files[name]).hexdigest()}
        if listed[name] != said:
            raise BundleRefused(f"{name!r} was changed: manifest.json gives another size or SHA-256")


def _parsed(files: Mapping[str, bytes], name: str, adapter: TypeAdapter[Any], encode: Any) -> Any:  # noqa: ANN401
    """A file's value, which must encode to the very same file."""
    try:
        value = adapter.validate_json(files[name])
    except (ValidationError, RecursionError) as error:
        said = " ".join(str(error).split())[:300]
        raise BundleRefused(
            f"{name!r} was changed, or this version of Anton cannot read it: {said}"
        ) from None
    if encode(value) != files[name]:
        raise BundleRefused(f"{name!r} is not written as Anton writes it")
    return value


def _check_cells(files: Mapping[str, bytes], proof: Proof) -> None:
    expected = {name: junit_of(cell) for name, cell in cell_files(proof).items()}
    tests = {NEW_TESTS + change.path for change in test_files(proof) if fits(NEW_TESTS + change.path)}
    for name in sorted({*files, *expected, *tests} - FIXED):
        if name not in files:
            raise BundleRefused(f"{name!r} is missing, which proof.json tells of")
        if name not in expected and name not in tests:
            raise BundleRefused(f"{name!r} was added: proof.json does not tell of it")
        if name in expected and files[name] != expected[name]:
            raise BundleRefused(f"{name!r} does not say what proof.json says of this run")


def _check_judgement(proof: Proof) -> None:
    """What the recorded outcomes amount to must be what the proof claims; further faults are no gain."""
    judged = judge(proof.round, proof.patch, proof.cells, proof.sandbox, proof.tampering)
    for name in ("reproducing", "new_tests", "flaky", "already_red", "opinion"):
        if getattr(judged, name) != getattr(proof, name):
            raise BundleRefused(f"proof.json claims {name!r} otherwise than its own cells amount to")
    for fault in judged.faults:
        if fault not in proof.faults:
            raise BundleRefused(f"proof.json leaves out a fault that its own cells show: {fault.kind}")


def _check_harmless(rerun: Rerun) -> None:
    """Nothing in it leads out of a tree, and git is asked for nothing but object ids."""
    ids = (rerun.base, rerun.head, *rerun.trees.all)
    if not all(re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", object_id) for object_id in ids):
        raise BundleRefused("rerun.json names a commit or tree that is no git object id")
    if not fits(rerun.report):
        raise BundleRefused(f"rerun.json names the report {rerun.report!r}, which is not inside the tree")
    if not all(fits(name) and "/" not in name for name in rerun.links):
        raise BundleRefused("rerun.json names a link that is not at the root of the tree")
    if rerun.report_format not in list(ReportFormat) or not 0 < rerun.timeout_seconds <= MAX_SECONDS:
        raise BundleRefused("rerun.json names a report format or a time limit that no bundle has")


def _check_rerun(files: Mapping[str, bytes], proof: Proof, rerun: Rerun) -> None:
    _check_harmless(rerun)
    if any(cell.tree_sha != rerun.trees.of(cell) for cell in proof.cells):
        raise BundleRefused("rerun.json names other trees than the cells in proof.json ran on")
    if replace(trees_of(proof, rerun.trees.base), fix=rerun.trees.fix) != rerun.trees:
        raise BundleRefused("rerun.json names other trees than the cells in proof.json ran on")
    if (rerun.base, rerun.head) != (proof.patch.base, proof.patch.head):
        raise BundleRefused("rerun.json names other commits than proof.json")
    for cell in proof.cells:
        files_named = tuple(f"./{path}" if path.startswith("-") else path for path in cell.paths)
        if cell.command != ((*rerun.narrow_command, *files_named) if cell.paths else rerun.command):
            raise BundleRefused("rerun.json names another test command than the cells in proof.json ran")
    if files[FIX_DIFF] + files[TESTS_DIFF] != proof.patch.diff.encode("utf-8", "replace"):
        raise BundleRefused("'fix.diff' and 'tests.diff' are not the diff in proof.json")


def _difference(one: Any, other: Any, path: str) -> str:  # noqa: ANN401
    """Where two JSON values first differ; empty where they do not."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other})
        return next(
            (at for key in keys if (at := _difference(one.get(key), other.get(key), f"{path}.{key}"))), ""
        )
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return next((at for n, (a, b) in pairs if (at := _difference(a, b, f"{path}[{n}]"))), "")
    same = type(one) is type(other) and one == other
    return "" if same else path.lstrip(".") or "its top"


async def check_objects(bundle: Bundle, repository: Repository) -> None:
    """See that the git objects are what the bundle says of them.

    Raises:
        BundleRefused: they are not; the text names the file.
        OutsideError: objects are missing, or the pack is damaged.
    """
    rerun, trees = bundle.rerun, bundle.rerun.trees
    await repository.unpack(bundle.files[OBJECTS], "sha1" if len(rerun.base) == 40 else "sha256")
    for commit, tree, what in ((rerun.base, trees.base, "base"), (rerun.head, trees.head, "head")):
        if await repository.changes(commit, tree):
            raise BundleRefused(f"rerun.json: the {what} commit {commit[:10]} has another tree than it names")
    source = await repository.diff(trees.base, trees.fix)
    tests = await repository.diff(trees.fix, trees.head)
    for name, diff in ((FIX_DIFF, source), (TESTS_DIFF, tests)):
        if bundle.files[name] != diff.encode("utf-8", "replace"):
            raise BundleRefused(f"{name!r} is not the change between the trees in the bundle")
    await _check_trees(bundle, repository)
    for name, content in (await _new_tests(repository, bundle.proof, trees.head)).items():
        if bundle.files[name] != content:
            raise BundleRefused(f"{name!r} is not the file in the tree of the head commit")


async def _check_trees(bundle: Bundle, repository: Repository) -> None:
    """See that every tree is base with what the patch says, and with nothing else."""
    patch, trees = bundle.proof.patch, bundle.rerun.trees
    changed = await repository.changes(trees.base, trees.head)
    if sorted(changed, key=lambda change: change.path) != sorted(patch.files, key=lambda change: change.path):
        raise BundleRefused("proof.json lists other changed files than the trees in the bundle differ by")
    source, tests = [c.path for c in patch.source], [c.path for c in patch.tests]
    with_tests = trees.base_with_tests
    if await repository.graft(trees.base, trees.head, source) != trees.fix:
        raise BundleRefused("rerun.json: the tree 'fix' is not base with the source of the patch")
    if with_tests and await repository.graft(trees.base, trees.head, tests) != with_tests:
        raise BundleRefused("rerun.json: the tree 'base_with_tests' is not base with the tests of the patch")
    if trees.second and await repository.diff(with_tests or trees.base, trees.second) != patch.second_opinion:
        raise BundleRefused("rerun.json: the tree 'second' is not the second opinion in proof.json")
