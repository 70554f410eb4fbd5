"""Inline drawings."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reports.sample import a_real_run
from wattmark.reports import charts
from wattmark.reports.sections import stage_bands
from wattmark.reports.timeline import gaps_of, timeline


def test_every_drawing_is_well_formed() -> None:
    """A hostile name is text, never markup."""
    run = a_real_run()
    line = timeline(run)
    assert line is not None
    bad = '<script>alert("1")</script>'
    for svg in (
        charts.share_bar([(bad, 0.4, "c-cpu"), ("b", 0.6, "c-gpu")]),
        charts.error_bar(1.0, 2.0, 3.0, 0.5),
        charts.score_scale(120, 90, 250),
        charts.value_bar(1.0, 0.5, 2.0, 2.0, "now"),
        charts.power_chart(line, gaps_of(run), [(bad, 0.0, 60.0)], bad),
    ):
        ElementTree.fromstring(str(svg))
        assert "<script" not in str(svg)


def test_the_power_chart_hatches_the_gap_and_names_the_stages() -> None:
    """One hatched stretch with its reason, three stages by name."""
    run = a_real_run()
    line = timeline(run)
    assert line is not None
    svg = str(charts.power_chart(line, gaps_of(run), stage_bands(run), "power"))
    assert svg.count("url(#hatch)") == 1
    assert "gpu not seen: the driver was reloaded" in svg
    assert [name for name in ("data preparation", "training", "inference") if f">{name}<" in svg] == [
        "data preparation",
        "training",
        "inference",
    ]


def test_parts_of_a_bar_lie_end_to_end() -> None:
    """The second part starts where the first ends."""
    svg = str(charts.share_bar([("a", 0.25, "x"), ("b", 0.75, "y")]))
    assert re.findall(r'x="([\d.]+)%" y="0" width="([\d.]+)%"', svg) == [
        ("0.00", "25.00"),
        ("25.00", "75.00"),
    ]


def test_an_interval_that_leaves_the_scale_is_cut_at_its_edge() -> None:
    """Nothing is drawn outside 0 to 100 %."""
    drawn = [float(x) for x in re.findall(r'x\d="([\d.]+)%"', str(charts.error_bar(-50.0, 1.0, 50.0, 0.5)))]
    assert min(drawn) == 0.0
    assert max(drawn) == 100.0


def test_nothing_is_drawn_where_there_is_no_scale() -> None:
    """A value of zero has no relative interval; a scale of zero has no bar."""
    assert charts.error_bar(0, 0, 0, 0.1) == ""
    assert charts.value_bar(0, 0, 0, 0, "now") == ""


@given(st.floats(min_value=1e-9, max_value=1e12))
def test_a_scale_ends_at_a_round_number_above_the_value(value: float) -> None:
    """Never below the value and never more than 1.5 times it: the chart is full."""
    top = charts.nice_top(value)
    assert value <= top * (1 + 1e-12)
    assert top <= 1.5 * value
    assert charts.nice_top(0.0) == 1.0


@pytest.mark.parametrize(
    ("name", "css"),
    [("cpu", "c-cpu"), ("rest of node", "c-rest_of_node"), ("fpga", "c-other1"), ("a b<", "c-other2")],
)
def test_a_component_keeps_its_colour(name: str, css: str) -> None:
    """Known components have their own; others go by their place; no name ever becomes a class."""
    assert charts.colour_of(name, ["cpu", "fpga", "a b<", "rest of node"]) == css
