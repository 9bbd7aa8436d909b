"""The board, the rules and the guide name only metrics that there are, and the guide names all of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from anton.entrypoints.server.metrics import GAUGES, Metrics

ROOT = Path(__file__).parents[1]
BOARD = ROOT / "examples" / "grafana-anton.json"
NAMED = re.compile(r"\b(?:anton|process)_[a-z_]+\b")
SUFFIXES = re.compile(r"_(?:bucket|count|sum|created)$")


def known() -> set[str]:
    """Every metric as a query names it, without what a histogram adds."""
    metrics = Metrics()
    for name in GAUGES:
        metrics.gauge(name, lambda: 0)
    suffixes = {"counter": "_total", "info": "_info"}
    return {family.name + suffixes.get(family.type, "") for family in metrics.registry.collect()}


def unknown(text: str) -> set[str]:
    names = {SUFFIXES.sub("", name) for name in NAMED.findall(text)}
    return names - known()


def panels() -> list[dict[str, object]]:
    return [panel for panel in json.loads(BOARD.read_text("utf-8"))["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize(
    "path", ["examples/grafana-anton.json", "examples/prometheus.yml", "docs/observability.md"]
)
def test_every_metric_that_is_named_exists(path: str) -> None:
    assert unknown((ROOT / path).read_text("utf-8")) == set()


def test_a_metric_that_does_not_exist_is_found() -> None:
    assert unknown("rate(anton_bugs_total[5m]) / anton_runs_closed_total") == {"anton_bugs_total"}


def test_the_guide_names_every_metric() -> None:
    own = {name for name in known() if name.startswith("anton_")}
    assert own - set(NAMED.findall((ROOT / "docs" / "observability.md").read_text("utf-8"))) == set()


def test_the_board_can_be_laid_out() -> None:
    board = json.loads(BOARD.read_text("utf-8"))
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not taken & cells, panel["title"]
        assert all(x < 24 for x, _ in cells), panel["title"]
        taken |= cells


def test_every_panel_asks_the_data_source_that_is_chosen() -> None:
    for panel in panels():
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["targets"], panel["title"]


def test_every_query_is_balanced_and_of_the_chosen_job() -> None:
    for panel in panels():
        for target in panel["targets"]:  # type: ignore[attr-defined]
            query = target["expr"]
            assert [query.count(sign) for sign in "([{"] == [query.count(sign) for sign in ")]}"], query
            assert query.count('job=~"$job"') == len(
                NAMED.findall(re.sub(r"\b(?:by|in) \([^)]*\)", "", query))
            )
