"""Energy until a moment."""

from pathlib import Path

import numpy as np

from tests.attribution.exact_power import a_series, sampled
from wattmark.attribution.curve import Curve
from wattmark.attribution.power.samples import series_of_table
from wattmark.core.serving.dividing import Piece

SECOND = 1_000_000
T = 1_790_000_000


def read(curve: Curve, *moments: int) -> list[float]:
    joules, _ = curve.at(np.array(moments), 0)
    return [round(float(each), 9) for each in joules]


def test_a_counter_is_spread_evenly_between_two_looks() -> None:
    """10 J in the first 4 us, 2 J in the next 2; before and after nothing is added."""
    curve = Curve(a_series([Piece(10, 14, 10.0), Piece(14, 16, 2.0)]))
    assert read(curve, 0, 10, 11, 14, 15, 16, 99) == [0, 0, 2.5, 10, 11, 12, 12]
    assert curve.between(11, 15) == (8.5, 4)


def test_sampled_power_lies_on_a_straight_line() -> None:
    """From 0 to 100 W in 1 s: 12.5 J in the first half, 37.5 J in the second."""
    curve = Curve(sampled([0, SECOND], [0.0, 100.0]))
    assert read(curve, 0, SECOND // 2, SECOND) == [0, 12.5, 50]


def test_sampled_power_may_be_taken_to_hold() -> None:
    """100 W until the second sample, 0 from there on."""
    series = sampled([0, SECOND, 2 * SECOND], [100.0, 0.0, 100.0])
    assert read(Curve(series, held=True), SECOND // 2, SECOND, 2 * SECOND) == [50, 100, 100]
    assert read(Curve(series), SECOND, 2 * SECOND) == [50, 100]


def test_a_gap_holds_no_energy_and_no_observed_time() -> None:
    """Between the second and the third sample nobody looked."""
    curve = Curve(sampled([0, 10, 20, 30], [1e6, 1e6, 1e6, 1e6], gaps=[1]))
    joules, seen = curve.at(np.array([5, 10, 15, 20, 25]), 5)
    assert [round(float(each), 9) for each in joules - joules[0]] == [0, 5, 5, 5, 10]
    assert list(seen - seen[0]) == [0, 5, 5, 5, 10]


def test_energy_never_falls() -> None:
    """Rounding on a long line of tiny steps takes nothing back."""
    times = np.arange(0, 1000) * 7
    curve = Curve(sampled(list(times), list(np.linspace(1, 1e9, 1000))))
    joules, _ = curve.at(np.arange(0, 7000), 0)
    assert (np.diff(joules) >= 0).all()


def test_samples_of_a_table_keep_the_line_between_them(tmp_path: Path) -> None:
    """From 0 to 100 W in 1 s, as a table tells it: 12.5 J in the first half."""
    table = tmp_path / "power.csv"
    table.write_text(f"time,device,watts\n{T},gpu:0,0\n{T + 1},gpu:0,100\n{T + 2},gpu:0,100\n")
    (series,) = series_of_table(table, {})
    joules, _ = Curve(series).at(np.array([0, SECOND // 2, SECOND]) + T * SECOND, T * SECOND)
    assert [round(float(each), 9) for each in joules] == [0, 12.5, 50]
