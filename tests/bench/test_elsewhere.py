"""Power that others kept becomes looks of the benchmark, with its gaps, by wall-clock time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.bench.bundle.samples import head
from wattmark.bench.elsewhere import ended_us, looks_of, started_us, with_power
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.evidence import Evidence, Phase, PhaseName, QueryRecord
from wattmark.core.bench.lines import lines_of, stretch
from wattmark.core.errors import EvidenceError
from wattmark.core.figure import Figure
from wattmark.core.known import Boundary, Grade, Method

np = pytest.importorskip("numpy", reason="power over time needs numpy")

SECOND = 1_000_000


def a_series(seconds: list[float], **changes: Any) -> Any:
    """A node that draws 100 W, as a counter looked at so many seconds after the benchmark began."""
    from wattmark.attribution.power.series import Kind, PowerSeries

    begun = started_us(head())
    stated: dict[str, Any] = {
        "device_id": "node:far",
        "component": "node",
        "kind": Kind.COUNTER,
        "method": Method.WALL_METER,
        "grade": Grade.A,
        "boundary": Boundary.NODE,
        "errors": {"meter:gain": 0.01},
        "source": "wall.csv",
        "times_us": np.array([begun + round(s * SECOND) for s in seconds], np.int64),
        "joules": np.array([(s - seconds[0]) * 100.0 for s in seconds]),
        "observed": np.ones(len(seconds) - 1, np.bool_),
    }
    return PowerSeries(**{**stated, **changes})


def evidence() -> Evidence:
    """One repeat from 2 s to 6 s with four queries, and nothing that was measured here."""
    phase = Phase(name=PhaseName.MEASURE, repeat=0, start_us=2 * SECOND, end_us=6 * SECOND, rated=True)
    queries = tuple(
        QueryRecord(repeat=0, turn=0, index=i, start_us=(2 + i) * SECOND, end_us=(3 + i) * SECOND, score=1.0)
        for i in range(4)
    )
    return head(devices=(), phases=(phase,), queries=queries, simulated=False)


def test_a_counter_elsewhere_gives_the_energy_of_the_repeat() -> None:
    """100 W over 4 s are 400 J, 100 J for each of four queries, grade A."""
    found = result_of(with_power(evidence(), [a_series([-1, 0, 1, 2, 3, 4, 5, 6, 7])], 0, "told by others"))
    assert isinstance(found.energy, Figure)
    assert found.energy.value == pytest.approx(100.0)
    assert found.energy.grade is Grade.A
    assert found.key.boundary == "node"
    assert "told by others" in found.notes


def test_sampled_power_elsewhere_is_integrated() -> None:
    """Power that rises from 0 to 700 W in 7 s is 450 W on average from 3 s to 6 s: 1,350 J; 800 J from 2 s
    to 6 s would be 400 W x 4 s = 1,600 J in all."""
    from wattmark.attribution.power.series import Kind

    seconds = [0.0, 1, 2, 3, 4, 5, 6, 7]
    rising = a_series(
        seconds,
        kind=Kind.SAMPLED,
        watts=np.array([s * 100.0 for s in seconds]),
        joules=np.array([50.0 * s * s for s in seconds]),
        grade=Grade.C,
    )
    found = result_of(with_power(evidence(), [rising], 0, ""))
    assert isinstance(found.energy, Figure)
    assert found.energy.value == pytest.approx(1600.0 / 4)


def test_a_gap_stays_one() -> None:
    """Nothing was seen from 3 s to 4 s: the counter begins anew behind it, and no energy is made up."""
    joules = np.array([0.0, 100, 200, 300, 300, 400, 500, 600])
    observed = np.array([True, True, True, False, True, True, True])
    series = a_series([0, 1, 2, 3, 4, 5, 6, 7], joules=joules, observed=observed)
    (line,) = lines_of(with_power(evidence(), [series], 0, ""))
    read = stretch(line, 0, 6 * SECOND)
    assert read.joules == pytest.approx(500.0)
    assert [(g.t0_seconds, g.duration_seconds) for g in read.gaps] == [(3.0, 1.0)]


def test_several_gaps_and_an_idle_start_stay_gaps() -> None:
    """A counter that stood still before its first gap is told from one that was never read."""
    joules = np.array([0.0, 0, 0, 100, 100, 200])
    observed = np.array([True, False, True, False, True])
    looks = looks_of(a_series([0, 1, 2, 3, 4, 5], joules=joules, observed=observed), *_span())
    assert looks is not None
    assert looks.energy_uj == (2, 2, None, 1, 1 + 100 * SECOND, None, 0, 100 * SECOND)
    assert set(looks.gaps) == {"2", "5"}


def _span() -> tuple[int, int]:
    return started_us(head()), started_us(head()) + 10 * SECOND


def test_what_lies_before_the_benchmark_is_left_out() -> None:
    """No look is older than the benchmark; one lies beyond its end."""
    looks = looks_of(a_series([-5, -4, 1, 2, 9, 12, 15]), *_span())
    assert looks is not None
    assert looks.at_us == (1 * SECOND, 2 * SECOND, 9 * SECOND, 12 * SECOND)


def test_a_series_of_another_time_is_an_error() -> None:
    with pytest.raises(EvidenceError, match="tells of nothing in the time of the benchmark"):
        with_power(evidence(), [a_series([100, 101, 102])], 0, "")


def test_the_error_of_the_clock_is_kept() -> None:
    """It is in the evidence, and more than 0.2 s is told against the result."""
    far = with_power(evidence(), [a_series([0, 2, 4, 6, 8])], 500_000, "")
    assert far.clock_error_us == 500_000
    assert far.period_us == 2 * SECOND
    assert "clocks_apart" in {r.code for r in result_of(far).validity.reasons}
    assert ended_us(far) - started_us(far) == 6 * SECOND


def test_a_device_without_an_error_gets_that_of_its_method() -> None:
    bare = a_series([0, 2, 4, 6, 8], errors={}, method=Method.HARDWARE_COUNTER, grade=Grade.B)
    (device,) = with_power(evidence(), [bare], 0, "").devices
    assert device.relative_error == 0.05
    assert replace(device, relative_error=0.1).source == "wall.csv"
