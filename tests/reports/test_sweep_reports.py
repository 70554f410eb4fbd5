"""A sweep as people read it: a table, a plot in signs, a page, JSON."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.bench.test_operating import THREE, point, tried, weighed
from tests.reports.browser import browser, needs_chromium
from wattmark.core.bench.operating import Tried
from wattmark.reports.as_json import document
from wattmark.reports.sweep_charts import axis_of
from wattmark.reports.sweep_html import sweep_html
from wattmark.reports.sweep_json import SCHEMA, VERSION, sweep_body
from wattmark.reports.sweep_text import sweep_text

FAILED = Tried(point=point(64), failed="ran out of <memory>")
OTHER = tried(128, 1.0, 0.1, key={"boundary": "node"})
ALL = weighed(*THREE, FAILED, OTHER, max_latency=0.3)


def test_the_table_tells_every_point_and_the_one_to_use() -> None:
    text = sweep_text(ALL)
    assert "40.0 J" in text
    assert "front / front" in text
    assert "dominated" in text
    assert "4 failed: ran out of <memory>" in text
    assert "use concurrency 1, float16: the least energy with a latency of at most 300 ms" in text
    assert "Group 2 may not be held against the first: boundary: node against device (gpu)" in text


def test_the_plot_of_signs_has_each_point_where_it_belongs() -> None:
    """The dearest and fastest is at the top on the left, the slowest on the right."""
    lines = sweep_text(weighed(*THREE)).splitlines()
    rows = [line.partition("|")[2] for line in lines if "|" in line][:16]
    at = {sign: (row, line.index(sign)) for row, line in enumerate(rows) for sign in "123" if sign in line}
    assert at["1"][0] < at["3"][0] <= at["2"][0]
    assert at["1"][1] < at["2"][1] < at["3"][1]


def test_limits_that_nothing_keeps_are_said() -> None:
    assert "no point keeps a latency of at most 10.0 ms" in sweep_text(weighed(*THREE, max_latency=0.01))


def test_a_result_that_may_not_be_trusted_says_so_beside_the_advice() -> None:
    from tests.reports.board_results import INVALID

    quick = [replace(t, result=replace(t.result, validity=INVALID)) for t in THREE if t.result]
    assert "the result is invalid: profile quick is for tries" in sweep_text(weighed(*quick))


def test_one_point_has_no_plot() -> None:
    assert "|" not in sweep_text(weighed(THREE[0]))


def test_a_wide_range_gets_a_logarithmic_axis() -> None:
    """From 1 to 100 it is; from 1 to 9 the axis begins at zero."""
    wide, narrow = axis_of([1.0, 100.0], []), axis_of([1.0, 9.0], [])
    assert (wide.log, narrow.log) == (True, False)
    assert wide.at(10.0) == pytest.approx(0.5)
    assert narrow.low == 0.0
    assert axis_of([-0.5, 0.5], []).at(0.0) == pytest.approx(0.5)
    assert axis_of([0.0], []).at(0.0) == 0.0


def test_the_page_is_whole_and_escapes_what_others_wrote() -> None:
    """Both charts are well-formed, every circle is a point, nothing is loaded."""
    page = sweep_html(ALL)
    drawings = re.findall(r"<svg class=\"power pareto\".*?</svg>", page, re.DOTALL)
    assert len(drawings) == 2
    for drawing in drawings:
        root = ET.fromstring(drawing)
        assert root.get("role") == "img"
        assert len(root.findall(".//circle")) == 3
    assert "ran out of &lt;memory&gt;" in page
    assert "<script" not in page
    assert not re.search(r"(src|href)=", page)


def test_json_says_the_same() -> None:
    told = json.loads(document(SCHEMA, VERSION, sweep_body(ALL)))
    assert told["schema"] == "wattmark.sweep"
    assert [p["failed"] for p in told["points"]] == [None, None, None, "ran out of <memory>", None]
    assert told["points"][0]["latency_p95_seconds"]["value"] == 0.2
    assert set(told) == {
        "schema", "schema_version", "task", "model", "per", "quality_name", "max_latency_seconds",
        "min_quality", "points", "groups",
    }  # fmt: skip
    assert set(told["points"][0]) == {
        "name", "settings", "failed", "bundle", "key", "energy", "latency_p95_seconds", "quality",
        "throughput", "status", "reasons",
    }  # fmt: skip
    assert set(told["groups"][0]) == {"points", "apart", "unknown", "planes", "suggestion"}
    first, second = told["groups"]
    assert first["suggestion"]["name"] == "concurrency 1, float16"
    assert second["apart"] == [{"field": "boundary", "first": "device (gpu)", "here": "node"}]
    assert [s["place"] for s in first["planes"][0]["standings"]] == ["front", "front", "dominated"]


@pytest.mark.slow
@needs_chromium
def test_the_page_loads_in_a_browser_wide_and_on_a_phone(tmp_path: Path) -> None:
    """No word on the console, nothing wider than the window, in light and dark; points carry their names."""
    path = tmp_path / "sweep.html"
    path.write_text(sweep_html(ALL), encoding="utf-8")
    with browser(tmp_path) as page:
        for width in (1280, 390):
            for scheme in ("light", "dark"):
                page.width(width)
                page.colours(scheme)
                page.open(path)
                assert page.js("document.documentElement.scrollWidth") <= width
                page.picture()
        assert page.js("document.querySelectorAll('.pareto .dot').length") == 6
        assert page.js("document.querySelector('.pareto .front title').textContent").endswith("(front)")
        assert page.pdf().startswith(b"%PDF")
        assert page.said == []
