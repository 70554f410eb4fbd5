"""The series that a run file keeps, as power."""

import pytest

from tests.builders import a_row, a_run
from wattmark.attribution.power.runs import series_of_run
from wattmark.attribution.power.series import Kind
from wattmark.core.errors import EvidenceError
from wattmark.core.run import GapSpan, Run, Series

NOON_US = 1_793_534_400_000_000
DEVICE = a_row().device_id


def run(
    joules: tuple[float, ...], *gaps: tuple[float, float], seconds: tuple[float, ...] = (0, 5, 10)
) -> Run:
    """A run of 10 s from noon on, with its device's energy at some moments, and gaps from and to."""
    spans = tuple(GapSpan(t0_seconds=a, duration_seconds=b - a, reason="lost") for a, b in gaps)
    series = Series(device_id=DEVICE, component="cpu", t_seconds=seconds, energy_joules=joules)
    return a_run(energies=(a_row(gaps=spans),), series=(series,))


def test_the_series_of_a_run_begins_when_the_run_does() -> None:
    """90 J in 10 s from noon on."""
    (found,) = series_of_run(run((0, 40, 90)), "a.run.json")
    assert found.times_us.tolist() == [NOON_US, NOON_US + 5_000_000, NOON_US + 10_000_000]
    assert found.joules.tolist() == [0, 40, 90]
    assert (found.kind, found.grade, found.source) == (Kind.COUNTER, "B", "rapl")


def test_a_gap_between_two_points_keeps_its_edges() -> None:
    """From 6 to 8 s nothing was observed: the 50 J of that stretch lie before and after."""
    (found,) = series_of_run(run((0, 40, 90), (6, 8)), "a.run.json")
    assert [(t - NOON_US) / 1e6 for t in found.times_us.tolist()] == [0, 5, 6, 8, 10]
    assert found.observed.tolist() == [True, True, False, True]
    assert found.joules.tolist() == pytest.approx([0, 40, 40 + 50 / 3, 40 + 50 / 3, 90])


def test_a_gap_over_a_point_and_one_that_overlaps_it() -> None:
    """Nothing was observed from 4 to 7 s."""
    (found,) = series_of_run(run((0, 40, 70), (4, 6), (5.5, 7)), "a.run.json")
    assert found.observed_seconds == pytest.approx(7)
    assert found.energy_joules == pytest.approx(70)


def test_a_run_without_series_is_refused() -> None:
    """Its name is told."""
    with pytest.raises(EvidenceError, match=r"a.run.json: keeps no series of any device"):
        series_of_run(a_run(), "a.run.json")
