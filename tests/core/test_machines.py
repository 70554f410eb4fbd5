"""Machine and device hours: each moment of a machine once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import HOST, a_run
from wattmark.core.machines import clock_of, machine_hours, start_of


def at(start: float, seconds: float, name: str = "r", **changes: object) -> object:
    return a_run(record_id=name, started_monotonic_seconds=start, duration_seconds=seconds, **changes)


def test_hours_of_one_machine_count_once() -> None:
    """Two overlapping hours are an hour and a half; an hour elsewhere is another one."""
    runs = [at(0.0, 3600.0, "a"), at(1800.0, 3600.0, "b")]
    assert machine_hours(runs) == pytest.approx(1.5)  # type: ignore[arg-type]
    other = at(0.0, 3600.0, "c", host=replace(HOST, id="other"))
    assert machine_hours([*runs, other]) == pytest.approx(2.5)  # type: ignore[list-item]
    assert machine_hours([]) == 0.0


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=8))
def test_hours_are_the_union_of_all_runs(spans: list[tuple[int, int]]) -> None:
    """Whatever overlaps, touches or lies inside."""
    runs = [at(float(start), float(length), f"r{i}") for i, (start, length) in enumerate(spans)]
    union = {s for start, length in spans for s in range(start, start + length)}
    assert machine_hours(runs) * 3600 == pytest.approx(len(union))  # type: ignore[arg-type]


def test_runs_of_one_boot_share_a_clock_and_others_the_wall_clock() -> None:
    """A run without a boot, or without a monotonic start, is placed in UTC."""
    assert clock_of(a_run()) == f"{HOST.id}:{HOST.boot_id}"
    assert start_of(a_run()) == 1000.0
    for run in (a_run(host=replace(HOST, boot_id=None)), a_run(started_monotonic_seconds=None)):
        assert clock_of(run) == f"{HOST.id}:utc"
        assert start_of(run) == pytest.approx(1793534400.0)
