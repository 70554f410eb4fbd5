"""Dashboards: what comes with the package is what the code makes, and asks only for what exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from wattmark.exporters.agent_catalog import CATALOG, Kind
from wattmark.monitoring import names
from wattmark.monitoring.dashboards.board import COLUMNS, Board, Placed, placed
from wattmark.monitoring.dashboards.catalog import boards, shipped
from wattmark.monitoring.rules import alerts_of, recordings_of
from wattmark.monitoring.settings import RuleSettings

from .promql_names import labels_used, metrics_used

SETTINGS = RuleSettings(budgets={"*": 4e5})
RECORDED = {r.record for r in recordings_of(SETTINGS)}
RULES = [r.expr for r in recordings_of(SETTINGS)] + [a.expr for a in alerts_of(SETTINGS)]
PROMETHEUS_OWN = {"ALERTS"}
BOARDS = list(boards().values())


def expressions(board: Board) -> Iterator[tuple[str, str]]:
    for row in board.rows:
        for panel in row.panels:
            for query in panel.queries:
                yield f"{board.uid}: {panel.title}", plain(query.expr)
    for mark in board.marks:
        yield f"{board.uid}: {mark.name}", plain(mark.expr)


def plain(expr: str) -> str:
    """With the durations that Grafana fills in."""
    return re.sub(r"\$__(rate_interval|range|interval)", "5m", expr)


EVERY = [
    pytest.param(expr, id=f"{name} {n}") for b in BOARDS for n, (name, expr) in enumerate(expressions(b))
]


def test_the_table_of_series_is_that_of_the_exporters() -> None:
    """Names and labels are those that the agent shows; a histogram has its three series."""
    shown: dict[str, tuple[str, ...]] = {}
    for row in CATALOG.values():
        if row.kind is Kind.HISTOGRAM:
            shown[f"{row.shown}_bucket"] = (*row.labels, "le")
            shown[f"{row.shown}_sum"] = shown[f"{row.shown}_count"] = row.labels
        else:
            shown[row.shown] = row.labels
    assert dict(names.SERIES) == shown


@pytest.mark.parametrize("expr", EVERY)
def test_a_panel_asks_only_for_what_exists(expr: str) -> None:
    """Each expression parses, and names series of the agent, of our rules or of Prometheus itself."""
    assert metrics_used(expr) <= set(names.SERIES) | RECORDED | PROMETHEUS_OWN


@pytest.mark.parametrize("expr", EVERY)
def test_a_panel_asks_only_for_labels_that_exist(expr: str) -> None:
    """A label in a matcher or a grouping is one that the series in it have."""
    known = {label for m in metrics_used(expr) for label in names.SERIES.get(m, ())} | set(names.SCRAPED)
    recorded = {"what", "which", "window", "model", "tenant", "attribution_rule", "accounting", "basis"}
    devices = {"device", "component", "signal", "boundary"}
    assert labels_used(expr) <= known | recorded | devices | {"alertname", "alertstate", "__name__"}


@pytest.mark.parametrize("board", BOARDS, ids=lambda b: b.uid)
def test_what_comes_with_the_package_is_what_the_code_makes(board: Board) -> None:
    """Whoever changes a dashboard runs scripts/generate_dashboards.py."""
    pytest.importorskip("grafana_foundation_sdk")
    from wattmark.monitoring.dashboards.grafana import dashboard_json

    assert dashboard_json(board) == shipped(f"{board.uid}.json")


@pytest.mark.parametrize("board", BOARDS, ids=lambda b: b.uid)
def test_panels_lie_beside_one_another(board: Board) -> None:
    """None overlaps another, none leaves the grid, and every panel says what it shows."""
    taken: set[tuple[int, int]] = set()
    for place in placed(board):
        if isinstance(place, Placed):
            panel = place.panel
            cells = {
                (x, y)
                for x in range(place.x, place.x + panel.width)
                for y in range(place.y, place.y + panel.height)
            }
            assert panel.what
            assert place.x + panel.width <= COLUMNS
        else:
            cells = {(x, place[1]) for x in range(COLUMNS)}
        assert not cells & taken
        taken |= cells


@pytest.mark.parametrize("name", boards())
def test_the_json_holds_every_query_and_leaves_the_source_to_choose(name: str) -> None:
    """As many targets as queries, each with a letter of its own, all of them from the variable's source."""
    loaded = json.loads(shipped(name))
    panels = [p for p in loaded["panels"] if p["type"] != "row"]
    board = boards()[name]
    assert [[t["expr"] for t in p["targets"]] for p in panels] == [
        [q.expr for q in panel.queries] for row in board.rows for panel in row.panels
    ]
    for panel in panels:
        letters = [t["refId"] for t in panel["targets"]]
        assert len(set(letters)) == len(letters)
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert len({p["id"] for p in loaded["panels"]}) == len(loaded["panels"])
    assert loaded["templating"]["list"][0]["type"] == "datasource"


def test_uids_are_different_and_fit_grafana() -> None:
    """A uid has 40 characters at most."""
    uids = [board.uid for board in BOARDS]
    assert len(set(uids)) == len(uids)
    assert all(len(uid) <= 40 for uid in uids)


def test_the_models_dashboard_marks_releases_and_alerts() -> None:
    """Both are annotations with a title."""
    loaded: dict[str, Any] = json.loads(shipped("wattmark-models.json"))
    marks = {mark["name"]: mark for mark in loaded["annotations"]["list"]}
    assert set(marks) == {"Releases", "Alerts"}
    assert marks["Releases"]["titleFormat"] == "{{model}}: release {{which}}"


def test_every_recording_of_figures_is_shown_or_alerted_on() -> None:
    """Nothing is worked out every minute for nobody."""
    used = {m for b in BOARDS for _, e in expressions(b) for m in metrics_used(e)}
    used |= {m for expr in RULES for m in metrics_used(expr)}
    templates = {
        w
        for a in alerts_of(SETTINGS)
        for text in a.annotations.values()
        for w in re.findall(r"model:[a-z_:]+", text)
    }
    assert RECORDED - used - templates == set()
