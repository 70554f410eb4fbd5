"""Tables of samples: power, counters and intervals, with what goes wrong in them."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from wattmark.attribution.power.samples import series_of_table
from wattmark.attribution.power.series import Kind
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.known import Grade, Method

NOON = 1_793_534_400


def table(path: Path, *lines: str) -> Path:
    """A file of lines."""
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_power_lies_on_a_straight_line_between_two_looks(tmp_path: Path) -> None:
    """From 100 W to 200 W in 2 s: 300 J; then 200 W for 1 s: 200 J."""
    path = table(tmp_path / "p.csv", "time,watts", f"{NOON},100", f"{NOON + 2},200", f"{NOON + 3},200")
    (found,) = series_of_table(path, {"device": "gpu-0"})
    assert found.joules.tolist() == [0, 300, 500]
    assert (found.device_id, found.kind, found.grade) == ("gpu-0", Kind.SAMPLED, Grade.C)


def test_looks_that_failed_and_looks_far_apart_leave_gaps(tmp_path: Path) -> None:
    """One look a second at 100 W; one failed, and then nothing for 10 s."""
    seconds = [*range(6), 15, 16]
    lines = [f"{NOON + s},{'N/A' if s == 2 else 100}" for s in seconds]
    (found,) = series_of_table(table(tmp_path / "p.csv", "time,watts", *lines), {})
    assert found.observed.tolist() == [True, False, False, True, True, False, True]
    assert found.energy_joules == 400
    (wide,) = series_of_table(tmp_path / "p.csv", {"longest_gap": "20"})
    assert wide.energy_joules == 1400


def test_rows_in_any_order_of_several_devices(tmp_path: Path) -> None:
    """Twice the same time is once too often."""
    path = table(
        tmp_path / "p.csv",
        "timestamp,gpu,power_watts",
        f"{NOON + 1},1,10",
        f"{NOON + 1},0,20",
        f"{NOON},0,20",
        f"{NOON},1,10",
        f"{NOON},1,99",
    )
    found = series_of_table(path, {})
    assert [(s.device_id, s.energy_joules) for s in found] == [("0", 20), ("1", 10)]
    assert found[1].notes == ("1 samples have the time of another one and are left out",)


def test_a_counter_that_was_reset_leaves_a_gap(tmp_path: Path) -> None:
    """100, 150, then 5: what was used across the reset is not known; and a look that failed costs nothing."""
    totals = ["100", "150", "5", "", "25"]
    lines = [f"{NOON + i},{total}" for i, total in enumerate(totals)]
    (found,) = series_of_table(table(tmp_path / "p.csv", "time,energy_joules_total", *lines), {})
    assert (found.joules.tolist(), found.observed.tolist()) == ([0, 50, 50, 70], [True, False, True])
    assert found.kind is Kind.COUNTER
    assert found.notes == ("the counter was reset, or is nonsense, 1 times: gaps",)


def test_millijoules_and_kilowatts_are_said_by_an_option(tmp_path: Path) -> None:
    """A meter's own unit."""
    path = table(tmp_path / "p.csv", "time,mj", f"{NOON},0", f"{NOON + 1},5000")
    options = {"column.counter": "mj", "unit.counter": "mJ", "method": "wall_meter", "error": "0.02"}
    (found,) = series_of_table(path, options)
    assert (found.energy_joules, found.grade, found.errors) == (5, Grade.A, {"samples:wall_meter:gain": 0.02})
    with pytest.raises(UsageError, match=r"unit.counter=BTU: one of J, mJ"):
        series_of_table(path, {"column.counter": "mj", "unit.counter": "BTU"})


def test_intervals_of_energy_with_their_starts(tmp_path: Path) -> None:
    """In JSON Lines: 5 J, nothing told for a second, 7 J."""
    rows = [
        {"start": "2026-11-01T12:00:00Z", "end": "2026-11-01T12:00:01Z", "energy_joules": 5, "device": "a"},
        {"start": "2026-11-01T12:00:02Z", "end": "2026-11-01T12:00:03Z", "energy_joules": 7, "device": "a"},
    ]
    (found,) = series_of_table(table(tmp_path / "p.jsonl", *map(json.dumps, rows)), {})
    assert found.times_us.tolist() == [(NOON + i) * 1_000_000 for i in range(4)]
    assert found.joules.tolist() == [0, 5, 5, 12]
    assert (found.kind, found.method) == (Kind.INTERVAL, Method.DECLARED)


def test_parquet_with_timestamps(tmp_path: Path) -> None:
    """In milliseconds, with a zone."""
    moments = pa.array([NOON * 1000, NOON * 1000 + 500], pa.timestamp("ms", "Europe/Paris"))
    parquet.write_table(pa.table({"time": moments, "watts": [10.0, 10.0]}), tmp_path / "p.parquet")
    (found,) = series_of_table(tmp_path / "p.parquet", {})
    assert (found.times_us.tolist(), found.energy_joules) == ([NOON * 10**6, NOON * 10**6 + 500_000], 5)


@pytest.mark.parametrize("factor", [1, 10**3, 10**6, 10**9])
def test_the_unit_of_times_is_found_out(tmp_path: Path, factor: int) -> None:
    """Seconds to nanoseconds."""
    path = table(tmp_path / "p.csv", "time,watts", f"{NOON * factor},1", f"{(NOON + 1) * factor},1")
    assert series_of_table(path, {})[0].times_us.tolist() == [NOON * 10**6, (NOON + 1) * 10**6]


def test_times_that_nobody_can_place_are_refused(tmp_path: Path) -> None:
    """Relative seconds, and local times without a zone."""
    with pytest.raises(UsageError, match="what they count from is not known"):
        series_of_table(table(tmp_path / "p.csv", "time,watts", "0,1", "1,1"), {})
    local = table(tmp_path / "q.csv", "time,watts", "2026-11-01 13:00:00,1", "2026-11-01 13:00:01,1")
    with pytest.raises(UsageError, match="local time without its zone"):
        series_of_table(local, {})
    assert series_of_table(local, {"zone": "Europe/Paris"})[0].times_us[0] == NOON * 10**6


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["a,b", "1,2"], "has no column of time"),
        (["time,b", "1,2"], "has no column of watts, counter or joules"),
        (["time,watts", "soon,1", "later,2", f"{NOON},2"], "2 of 3 rows have no time that can be read"),
    ],
)
def test_a_table_that_tells_of_no_power_is_refused(tmp_path: Path, lines: list[str], says: str) -> None:
    """With the columns that it has."""
    with pytest.raises(EvidenceError, match=says):
        series_of_table(table(tmp_path / "p.csv", *lines), {})


def test_options_that_are_none(tmp_path: Path) -> None:
    """Each is named with what would do."""
    path = table(tmp_path / "p.csv", "time,watts", f"{NOON},1", f"{NOON + 1},1")
    for options, says in (
        ({"colour": "red"}, "no option 'colour'"),
        ({"column.watts": "power"}, "there is no column 'power'; there are time, watts"),
        ({"method": "guess"}, "method=guess: one of wall_meter"),
        ({"longest_gap": "-1"}, "longest_gap=-1 is no number above 0"),
        ({"unit.time": "days"}, "unit.time=days"),
    ):
        with pytest.raises(UsageError, match=says):
            series_of_table(path, options)
