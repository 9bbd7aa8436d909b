"""`anton verify`: a proof bundle from anybody, checked and executed again on this machine."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from anton.core.claim import Claim
from anton.core.errors import UsageError
from anton.entrypoints.composition import BenchWish, Compose
from anton.entrypoints.running import run_step
from anton.entrypoints.speaking import FAILED, speaking
from anton.entrypoints.start import sandbox_option
from anton.runs.verify import Bundle, all_hold, check, open_bundle, run_again
from anton.views.verification import bundle_head, cell_line, claims_table, closing_line


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--repo",
    default="",
    help="URL or path of the repository, to take the base commit from.  [default: the bundle itself]",
)
@click.option("--no-run", is_flag=True, help="Check the bundle without executing anything of it.")
@click.option(
    "--python",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Interpreter that has what the tests need.  [default: Anton's own]",
)
@click.option(
    "--link",
    "links",
    multiple=True,
    metavar="NAME=FOLDER",
    help="Where what the recorded environment had under a name is here: node_modules, GOMODCACHE.",
)
@sandbox_option
@click.option("--unsafe-no-sandbox", is_flag=True, help="As for anton fix: it can then do what you can do.")
@click.pass_obj
@speaking
def verify(
    compose: Compose,
    bundle: Path,
    repo: str,
    no_run: bool,
    python: Path | None,
    links: tuple[str, ...],
    sandbox: str,
    unsafe_no_sandbox: bool,
) -> int:
    """Check BUNDLE, a proof.tar.gz, to its last byte and execute it again; say which claim holds.

    It takes no model, no settings and no state, and what it executes has no network. The exit status is 0
    only if every claim holds.
    """
    console = Console()
    read = open_bundle(bundle)
    rerun = read.rerun
    console.print(bundle_head(rerun.ticket, rerun.base, rerun.head, rerun.anton, read.proof))
    wish = BenchWish(
        repository=repo,
        commit=rerun.base,
        python=python,
        links=tuple(map(_link, links)),
        sandbox=sandbox,
        unconfined=unsafe_no_sandbox,
        looking=no_run,
    )
    claims = run_step(_verified(compose, wish, read, console))
    console.print(claims_table(claims))
    if rerun.withheld:
        console.print(
            f"Not in the bundle, as they looked like secrets: {', '.join(rerun.withheld)}", markup=False
        )
    console.print(closing_line(claims, executed=not no_run))
    return 0 if all_hold(claims) else FAILED


async def _verified(compose: Compose, wish: BenchWish, read: Bundle, console: Console) -> tuple[Claim, ...]:
    async with compose.bench(wish) as bench:
        claims = await check(read, bench, given=bool(wish.repository))
        if wish.looking:
            return claims
        return (*claims, *await run_again(read, bench, lambda cell: console.print(cell_line(cell))))


def _link(text: str) -> tuple[str, Path]:
    name, between, folder = text.partition("=")
    if not between or not name or not folder or "/" in name or name in (".", ".."):
        raise UsageError(f"--link takes NAME=FOLDER, such as node_modules=./node_modules, not {text!r}")
    return name, Path(folder)
