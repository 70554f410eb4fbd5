"""The JSON report."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.golden import assert_same
from tests.reports.sample import a_bare_report, a_report
from wattmark.core.figure import Figure
from wattmark.reports.as_json import figure_json
from wattmark.reports.report_json import json_report


def test_the_document_says_what_it_is() -> None:
    """Schema id and version first, then everything the page shows."""
    document = json.loads(json_report(a_report()))
    assert document["schema"] == "wattmark.report"
    assert document["schema_version"] == 1
    assert document["kpis"]["energy_to_solution"]["status"] == "known"
    assert document["kpis"]["software_carbon_intensity"]["status"] == "missing"
    assert document["score"]["score"]["unit"] == "points"
    assert document["verdict"]["ruling"] == "pass"
    assert document["runs"][0]["gaps"][0]["reason"] == "the driver was reloaded"
    assert sum(e["share_of_variance"] for e in document["energy_error_sources"]) == 1.0


def test_the_keys_of_version_1_are_frozen() -> None:
    """A reader of version 1 finds the same keys for ever; a change of them is version 2."""
    assert_same("report_keys.json", json.dumps(keys(json.loads(json_report(a_report()))), indent=1) + "\n")


def keys(value: object) -> object:
    """The shape of a document: its keys, lists by their first item, no values."""
    if isinstance(value, dict):
        by_data = {"kpis", "energy_by_component", "energy_by_stage", "terms", "environment"}
        return {k: "by name" if k in by_data else keys(v) for k, v in value.items()}
    if isinstance(value, list):
        return [keys(value[0])] if value else []
    return "value"


def test_unknown_is_told_by_status_and_never_by_zero() -> None:
    """Without readings energy is missing, and no score or verdict is made up."""
    document = json.loads(json_report(a_bare_report()))
    assert document["energy"] == {
        "status": "missing",
        "field": "energy",
        "hint": "no meter gave a reading; `wattmark doctor` says why",
    }
    assert document["score"] is None
    assert document["verdict"] is None
    assert document["energy_error_sources"] == []


def test_an_infinite_uncertainty_is_null_because_json_has_no_infinity() -> None:
    """A value of zero that is uncertain has no relative error."""
    told = figure_json(Figure(0.0, "J", errors={"x": 1.0}))
    assert told["relative_error_95"] is None
    assert told["interval_95"] == [-1.0, 1.0]


def test_a_report_without_a_baseline_compares_nothing() -> None:
    """An empty list, not a missing key."""
    document = json.loads(json_report(replace(a_report(), baseline=None, score=None)))
    assert document["comparisons"] == []
