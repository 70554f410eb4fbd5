"""The families of an agent as Prometheus reads them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exporters.agent_states import a_state, an_empty_state
from wattmark.exporters.agent_catalog import CATALOG, Kind
from wattmark.exporters.agent_families import Family, families
from wattmark.exporters.agent_state import OwnCost
from wattmark.exporters.agent_text import Format, negotiated, render

openmetrics = pytest.importorskip("prometheus_client.openmetrics.parser", reason="the extra `prometheus`")
plain = pytest.importorskip("prometheus_client.parser")
PARSERS: dict[Format, Callable[[str], Iterable[Any]]] = {
    Format.TEXT: plain.text_string_to_metric_families,
    Format.OPENMETRICS: openmetrics.text_string_to_metric_families,
}
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
"""What Prometheus 2.49 and later send without protobuf."""
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize("form", list(Format))
def test_what_is_written_is_what_a_parser_reads(form: Format) -> None:
    """Every series with all its labels, special characters included, and its exact value."""
    shown = families(a_state())
    told = {}
    for metric in PARSERS[form](render(shown, form).decode()):
        for sample in metric.samples:
            told[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    for family in shown:
        if family.row.kind is Kind.HISTOGRAM:
            continue
        for labels, value in family.points:
            pairs = zip(family.row.labels, labels, strict=True)
            key = family.row.shown, tuple(sorted((n, v) for n, v in pairs if v))
            assert told[key] == value


@pytest.mark.parametrize("form", list(Format))
def test_a_histogram_is_cumulative_and_ends_in_its_count(form: Format) -> None:
    """0.02 J and 300 J: none up to 0.01 J, one up to 250 J, both up to 500 J."""
    (metric,) = [
        m
        for m in PARSERS[form](render(families(a_state()), form).decode())
        if m.name == "wattmark_inference_request_energy_joules"
    ]
    upto = {s.labels["le"]: s.value for s in metric.samples if s.name.endswith("_bucket")}
    assert (upto["0.01"], upto["250.0"], upto["500.0"], upto["+Inf"]) == (0.0, 1.0, 2.0, 2.0)
    rest = {s.name.rpartition("_")[2]: s.value for s in metric.samples if "le" not in s.labels}
    assert rest == {"sum": 300.02, "count": 2.0}


def test_openmetrics_says_units_and_ends() -> None:
    """And counters go by their family's name, without _total."""
    text = render(families(a_state()), Format.OPENMETRICS).decode()
    assert "# TYPE wattmark_energy_joules counter\n# UNIT wattmark_energy_joules joules\n" in text
    assert "# TYPE wattmark_agent info\n" in text
    assert text.endswith("\n# EOF\n")


def test_text_says_the_whole_name() -> None:
    """And knows no info."""
    text = render(families(a_state()), Format.TEXT).decode()
    assert "# TYPE wattmark_energy_joules_total counter\nwattmark_energy_joules_total{device=" in text
    assert "# TYPE wattmark_agent_info gauge\nwattmark_agent_info{version=" in text
    assert "EOF" not in text


def test_an_empty_agent_is_valid_in_both() -> None:
    """It shows itself."""
    for form, parse in PARSERS.items():
        assert list(parse(render(families(an_empty_state()), form).decode()))


def test_a_label_that_is_empty_is_left_out() -> None:
    """To Prometheus they are the same, and lines are shorter."""
    assert b'=""' not in render(families(a_state()))


@given(st.text(st.characters(), max_size=20))
def test_any_name_survives(name: str) -> None:
    """Quotes, backslashes, line ends and names from broken bytes: what a parser reads is what was shown."""
    state = replace(an_empty_state(), own=OwnCost(version="1", cpu_seconds=0.0, received={name: 3}))
    clean = name.encode("utf-8", "replace").decode()
    for form, parse in PARSERS.items():
        text = render(families(state), form).decode("utf-8")
        (metric,) = [m for m in parse(text) if m.name.startswith("wattmark_agent_requests_received")]
        assert metric.samples[0].labels == ({"how": clean} if name else {})


@pytest.mark.parametrize(
    ("value", "written"),
    [(float("inf"), "+Inf"), (float("-inf"), "-Inf"), (float("nan"), "NaN"), (1e300, "1e+300"), (0, "0.0")],
)
def test_numbers_are_written_as_both_formats_want_them(value: float, written: str) -> None:
    """Whole, infinite and none at all."""
    row = CATALOG["wattmark_agent_spool_bytes"]
    assert render([Family(row, [((), value)])]).decode().endswith(f"wattmark_agent_spool_bytes {written}\n")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, Format.TEXT),
        ("", Format.TEXT),
        ("*/*", Format.TEXT),
        ("text/html", Format.TEXT),
        (PROMETHEUS, Format.OPENMETRICS),
        (PROMETHEUS_3, Format.OPENMETRICS),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("APPLICATION/OPENMETRICS-TEXT; VERSION=1.0.0", Format.OPENMETRICS),
        ('application/openmetrics-text; version="0.0.1"', Format.OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0", Format.TEXT),
        ("application/openmetrics-text;q=0.2,text/plain;q=0.9", Format.TEXT),
        ("application/openmetrics-text;q=0", Format.TEXT),
        ("application/openmetrics-text;q=high", Format.TEXT),
        ("text/plain;version=0.0.4;q=1,*/*;q=0.1", Format.TEXT),
    ],
)
def test_the_format_is_what_was_asked_for(accept: str | None, form: Format) -> None:
    """OpenMetrics where it is wanted at least as much; whatever cannot be understood gets text."""
    assert negotiated(accept) is form


@given(st.text())
def test_no_header_breaks_it(accept: str) -> None:
    """It comes from anybody."""
    assert negotiated(accept) in Format


@pytest.mark.slow
def test_prometheus_itself_finds_no_fault() -> None:
    """`promtool check metrics`: syntax, types, base units and endings."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    for state in (a_state(), an_empty_state()):
        ran = subprocess.run(
            [promtool, "check", "metrics"], input=render(families(state)), capture_output=True, check=False
        )
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")
