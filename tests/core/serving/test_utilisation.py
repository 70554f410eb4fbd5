"""Busy minutes become five-minute windows, and those the utilisation KPI."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.facts import Facts
from wattmark.core.figure import Figure, Missing
from wattmark.core.known import Grade, Method
from wattmark.core.kpis import CATALOG
from wattmark.core.run import SourceId, Subject
from wattmark.core.serving.request import Rule
from wattmark.core.serving.utilisation import (
    BUSY,
    SIGNAL,
    BusySample,
    FoundUtilisation,
    utilisation_of,
    utilisation_samples,
    watched_until,
)
from wattmark.core.serving.window import DeviceUse, ServingWindow

MINUTE = 60_000_000
US = SourceId(name="agent")
KPI = CATALOG["hardware_utilisation_efficiency"]


def a_window(
    minute: int, busy: float | None, observed: float = 60.0, signal: str = "nvml_busy_time"
) -> ServingWindow:
    use = DeviceUse(
        device_id="GPU-1",
        component="gpu",
        source="nvml",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        energy_joules=0.0,
        observed_seconds=observed,
        idle_joules=0.0,
        busy_seconds=busy,
        busy_signal=signal,
    )
    return ServingWindow(
        host_id="h", start_us=minute * MINUTE, end_us=(minute + 1) * MINUTE, rule=Rule.TOKENS, devices=(use,)
    )


def a_sample(minute: int, busy: float, device: str = "GPU-1", host: str = "h") -> BusySample:
    return BusySample(host, device, "gpu", "nvml_busy_time", minute * MINUTE, (minute + 1) * MINUTE, busy)


def answer(found: FoundUtilisation) -> object:
    facts = Facts(energy=Missing("energy"), utilisation=found.rows, utilisation_coverage=found.coverage)
    return KPI.answer(facts)


def test_a_minute_is_a_sample_as_long_as_it_was_watched() -> None:
    """30 of 60 s busy; then 12 of 24 observed seconds; then nothing known, nothing watched: no sample."""
    windows = [a_window(0, 30.0), a_window(1, 12.0, observed=24.0), a_window(2, None), a_window(3, 0.0, 0.0)]
    (told,) = utilisation_samples([*windows, a_window(4, 1.0, signal="")], source=US)
    assert (told.stream.unit, told.stream.device_id, told.stream.component) == (BUSY, "GPU-1", "gpu")
    assert told.stream.subject.labels == {SIGNAL: "nvml_busy_time"}
    assert list(told.start_us) == [0, MINUTE]
    assert list(told.end_us) == [MINUTE, MINUTE + 24_000_000]
    assert list(told.count) == [30.0, 12.0]


def test_two_signals_are_two_streams() -> None:
    """Busy time and activity are different quantities."""
    told = utilisation_samples(
        [a_window(0, 30.0), a_window(1, 6.0, signal="sm_activity")], source=US, subject=Subject(zone="DE")
    )
    assert [t.stream.subject.labels[SIGNAL] for t in told] == ["nvml_busy_time", "sm_activity"]
    assert {t.stream.subject.zone for t in told} == {"DE"}


def test_a_device_is_never_busier_than_it_was_watched() -> None:
    """61 busy seconds of a minute are 60: a clock that is off by a tick is no overload."""
    (told,) = utilisation_samples([a_window(0, 61.0)], source=US)
    assert list(told.count) == [60.0]


@pytest.mark.parametrize(("observed", "until"), [(60.0, 60), (59.9995, 60), (30.0, 30), (0.0, 0), (99.0, 60)])
def test_gaps_are_put_behind_what_was_watched(observed: float, until: int) -> None:
    """Less than a millisecond short is whole; nothing observed ends where it starts."""
    assert watched_until(0, MINUTE, observed) == until * 1_000_000


def test_five_minutes_make_a_window() -> None:
    """Minutes of 60, 60, 30, 0 and 0 s are half of five minutes."""
    found = utilisation_of([a_sample(m, busy) for m, busy in enumerate((60.0, 60.0, 30.0, 0.0, 0.0))])
    (row,) = found.rows
    assert (row.windows_300s, row.mean, row.provisioned_devices) == ((0.5,), 0.5, 1.0)
    assert (found.hosts, found.devices, found.first_us, found.last_us) == (1, 1, 0, 5 * MINUTE)


def test_devices_of_a_host_are_one_capacity_and_hosts_stand_apart() -> None:
    """Two GPUs at 100 and 50 % are at 75 % together; the other host's one is its own row."""
    samples = [a_sample(m, 60.0) for m in range(5)]
    samples += [a_sample(m, 30.0, device="GPU-2") for m in range(5)]
    samples += [a_sample(m, 6.0, device="GPU-3", host="other") for m in range(5)]
    found = utilisation_of(samples)
    assert [(r.windows_300s, r.provisioned_devices) for r in found.rows] == [((0.75,), 2.0), ((0.1,), 1.0)]
    assert (found.hosts, found.devices) == (2, 3)


def test_what_comes_twice_counts_once_and_what_has_no_length_not_at_all() -> None:
    """Deliveries are repeated."""
    empty = BusySample("h", "GPU-1", "gpu", "nvml_busy_time", MINUTE, MINUTE, 0.0)
    found = utilisation_of([a_sample(0, 30.0), a_sample(0, 30.0), empty])
    assert found.rows[0].mean == 0.5
    assert utilisation_of([]).first_us is None


def test_a_window_that_was_hardly_watched_is_no_window() -> None:
    """Two of five minutes at full load say nothing of the other three; the mean holds what was seen."""
    samples = [a_sample(m, 60.0) for m in (*range(5), 5, 6, *range(10, 15))]
    found = utilisation_of(samples)
    assert len(found.rows[0].windows_300s) == 2
    assert found.coverage == {("gpu", "nvml_busy_time"): pytest.approx(2 / 3)}


def test_windows_at_both_ends_are_seldom_whole_and_not_missed() -> None:
    """An agent that starts at 12:04 has not missed the window from 12:00."""
    found = utilisation_of([a_sample(m, 60.0) for m in range(4, 11)])
    assert len(found.rows[0].windows_300s) == 1
    assert found.coverage == {("gpu", "nvml_busy_time"): 1.0}
    assert utilisation_of([a_sample(0, 1.0)]).coverage == {("gpu", "nvml_busy_time"): 1.0}


def test_the_kpi_is_the_tenth_percentile_of_an_hours_windows() -> None:
    """Twelve windows of 0.05, 0.10, ... 0.60: the second of them (rank 2 of 12) is 0.10, the mean 0.325."""
    samples = [a_sample(m, 60 * 0.05 * (m // 5 + 1)) for m in range(60)]
    figure = answer(utilisation_of(samples))
    assert isinstance(figure, Figure)
    assert figure.value == pytest.approx(0.10)
    assert figure.coverage == 1.0
    assert "mean 32%" in figure.notes or "mean 33%" in figure.notes
    assert figure.terms["signal"] == "nvml_busy_time"


def test_less_than_an_hour_is_no_sustained_utilisation() -> None:
    """Eleven windows are not enough."""
    assert isinstance(answer(utilisation_of([a_sample(m, 60.0) for m in range(55)])), Missing)


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(1, 900), st.floats(0.0, 1.0)), max_size=20))
def test_no_utilisation_leaves_its_range(drawn: list[tuple[int, int, float]]) -> None:
    """Whatever intervals come, from 0 to 1, and busy time is conserved in the mean."""
    at, samples = 0, []
    for gap, length, share in drawn:
        start = at + gap * 1_000_000
        at = start + length * 1_000_000
        samples.append(BusySample("h", "d", "gpu", "s", start, at, length * share))
    found = utilisation_of(samples)
    for row in found.rows:
        assert all(0.0 <= u <= 1.0 for u in (row.mean, *row.windows_300s))
        busy = sum(s.busy_seconds for s in samples)
        watched = sum((s.end_us - s.start_us) / 1e6 for s in samples)
        assert row.mean == pytest.approx(busy / watched)
    assert all(0.0 <= share <= 1.0 for share in found.coverage.values())
