"""What `anton verify` shows: the bundle, each run as it ends, each claim with what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from anton.core.claim import Claim, Standing
from anton.core.proof import Cell, CellStatus, Outcome, Proof
from anton.views.encode import line
from anton.views.palette import BAD, DONE_SIGN, FAILED_SIGN, GOOD, MUTED, STRONG

MAX_DETAIL = 1_000
_STYLES = {
    Standing.HOLDS: (DONE_SIGN, GOOD),
    Standing.FAILS: (FAILED_SIGN, BAD),
    Standing.CARRIED: ("·", MUTED),
}


def bundle_head(ticket: str, base: str, head: str, anton: str, proof: Proof) -> RenderableType:
    """Whose proof it is, in two lines."""
    files = ", ".join(line(change.path, 100) for change in proof.patch.files[:4])
    more = f" and {len(proof.patch.files) - 4} more" if len(proof.patch.files) > 4 else ""
    return Group(
        Text.assemble((line(ticket, 80), STRONG), f"  {files}{more}"),
        Text(
            f"base {line(base[:10], 10)}, head {line(head[:10], 10)}; recorded by anton {line(anton, 40)}, "
            f"sandbox {line(proof.sandbox, 100)}",
            MUTED,
        ),
    )


def cell_line(cell: Cell) -> Text:
    """One run that was made just now."""
    if cell.status is CellStatus.RAN:
        counts = ", ".join(f"{cell.count(o)} {o}" for o in Outcome if cell.count(o)) or "no tests"
    else:
        counts = str(cell.status)
    again = " again" if cell.attempt > 1 else ""
    return Text(f"ran the {cell.suite} on {cell.tree}{again}: {counts} ({cell.seconds:.1f} s)", MUTED)


def claims_table(claims: Sequence[Claim]) -> RenderableType:
    """Claim, what is recorded, what was found here, and whether it holds."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=MUTED)
    for title in ("", "claim", "recorded", "here", ""):
        table.add_column(title, no_wrap=title == "", overflow="fold")
    for claim in claims:
        sign, style = _STYLES[claim.standing]
        table.add_row(
            Text(sign, style),
            Text(line(claim.name, 40), STRONG),
            Text(line(claim.recorded, MAX_DETAIL)),
            Text(line(claim.found, MAX_DETAIL)),
            Text(str(claim.standing), style),
        )
    return table


def closing_line(claims: Sequence[Claim], *, executed: bool) -> Text:
    """The result in one sentence."""
    failed = [claim.name for claim in claims if claim.standing is Standing.FAILS]
    held = sum(claim.standing is Standing.HOLDS for claim in claims)
    if failed:
        return Text(
            f"{len(failed)} claim(s) do not hold: {', '.join(line(name, 40) for name in failed)}.", BAD
        )
    if not executed:
        return Text(f"All {held} claims that need no execution hold. Nothing was executed.", GOOD)
    return Text(f"All {held} claims hold.", GOOD)
