"""The flat file of metrics, and power as a table."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.exporters.tracked_runs import a_tracked_run
from wattmark.core.figure import Missing
from wattmark.core.given import Given
from wattmark.core.run import GapSpan
from wattmark.core.totals import facts_of
from wattmark.core.tracked import told_of
from wattmark.reports.metrics_file import metrics_json, power_csv


def test_the_file_is_flat_and_says_which_measurement_it_is() -> None:
    """90 J, 85.5 to 94.5, grade B; what is missing has no key of its own."""
    run = a_tracked_run()
    numbers, words = told_of("energy_joules", facts_of([run], Given()).energy)
    _, missing = told_of("pue", Missing("pue"))
    found = json.loads(metrics_json(run, numbers, {**words, **missing}, 2))
    assert found == {
        "record_id": run.record_id,
        "measured_at": run.started_at,
        "failed": False,
        "attempts": 2,
        "duration_seconds": 10.0,
        "energy_joules": 90.0,
        "energy_joules.low": 85.5,
        "energy_joules.high": 94.5,
        "energy_joules.grade": "B",
        "energy_joules.boundary": "device",
        "missing": "pue",
    }


def test_power_is_a_row_per_stretch() -> None:
    """90 J over two equal stretches of a series of three points: 43.3 J and 46.7 J in 5 s each."""
    lines = power_csv(a_tracked_run()).splitlines()
    assert lines[0] == "seconds,watts,cpu_watts"
    assert lines[1] == "5,8.66667,8.66667"
    assert lines[2] == "10,9.33333,9.33333"


def test_what_was_not_seen_is_an_empty_cell() -> None:
    """Never 0 W."""
    run = a_tracked_run()
    gap = GapSpan(t0_seconds=0.0, duration_seconds=5.0, reason="no answer")
    row = replace(run.energies[0], gaps=(gap,), observed_seconds=5.0)
    assert power_csv(replace(run, energies=(row,))).splitlines()[1] == "5,,"


def test_without_a_series_there_is_the_header_alone() -> None:
    """DVC shows an empty plot."""
    assert power_csv(replace(a_tracked_run(), series=())) == "seconds,watts\n"
