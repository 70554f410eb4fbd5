"""Hardware Utilisation Efficiency: sustained use, by one signal, of one class of device."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.kpis.builders import of, some_facts
from wattmark.core.figure import Figure, Missing, Undefined, differing_terms
from wattmark.core.kpis import CATALOG
from wattmark.core.kpis.hardware_utilisation_efficiency import nearest_rank
from wattmark.core.run import Utilisation

KPI = "hardware_utilisation_efficiency"
shares = st.floats(0, 1)


def seen(**changes: Any) -> Utilisation:
    """One GPU for an hour, at 10, 20, ... 120 percent of 1.2."""
    fields: dict[str, Any] = {
        "component": "gpu",
        "signal": "sm_activity",
        "mean": 0.65,
        "windows_300s": tuple(i / 12 for i in range(1, 13)),
        **changes,
    }
    return Utilisation(**fields)


def test_sustained_use_is_the_tenth_percentile_by_nearest_rank() -> None:
    """Rank ceil(0.1 x 12) = 2 of 1/12, 2/12, ...: 2/12."""
    answer = of(KPI, some_facts(utilisation=(seen(),)))
    assert (answer.value, answer.unit) == (pytest.approx(2 / 12), "1")
    assert answer.terms["statistic"] == "p10 of 300 s windows"


def test_the_mean_is_a_statistic_of_its_own() -> None:
    """65 %, under its own name, also before an hour is over; what makes no sense has no mean either."""
    mean = CATALOG[KPI].told_as("mean")
    answer = mean.answer(some_facts(utilisation=(seen(windows_300s=()),)))
    assert isinstance(answer, Figure)
    assert answer.value == pytest.approx(0.65)
    assert answer.terms["statistic"] == "mean"
    assert isinstance(mean.answer(some_facts(utilisation=(seen(mean=1.5),))), Undefined)
    assert CATALOG[KPI].told_as(None) is CATALOG[KPI]
    assert CATALOG[KPI].told_as("p10").of is CATALOG[KPI].of


def test_the_mean_is_given_too() -> None:
    """Beside the sustained figure, never in its place."""
    assert "mean 65%" in of(KPI, some_facts(utilisation=(seen(),))).notes


def test_busy_time_and_sm_activity_are_never_compared() -> None:
    """A kernel that runs on one of a hundred units is busy all the time."""
    activity = of(KPI, some_facts(utilisation=(seen(),)))
    busy = of(KPI, some_facts(utilisation=(seen(signal="nvml_busy_time"),)))
    assert differing_terms(activity, busy) == [("signal", "sm_activity", "nvml_busy_time")]


def test_activity_is_taken_before_busy_time_and_the_two_are_never_mixed() -> None:
    """Both were read: the better signal alone makes the figure."""
    rows = (seen(signal="nvml_busy_time", windows_300s=(1.0,) * 12), seen())
    answer = of(KPI, some_facts(utilisation=rows))
    assert (answer.terms["signal"], answer.value) == ("sm_activity", pytest.approx(2 / 12))


def test_accelerators_are_taken_before_cpus_and_never_together() -> None:
    """Two classes of device have no common count."""
    rows = (seen(component="cpu", signal="cpu_busy_time", windows_300s=(0.0,) * 12), seen())
    assert of(KPI, some_facts(utilisation=rows)).terms["component"] == "gpu"


def test_a_signal_nobody_has_heard_of_comes_last_and_is_named() -> None:
    """Third-party meters may bring their own."""
    answer = of(KPI, some_facts(utilisation=(seen(component="dpu", signal="load"),)))
    assert (answer.terms["component"], answer.terms["signal"]) == ("dpu", "load")


def test_less_than_an_hour_is_not_sustained() -> None:
    """Eleven windows are 55 minutes; the mean so far is in the hint."""
    answer = of(KPI, some_facts(utilisation=(seen(windows_300s=(0.9,) * 11),)))
    assert isinstance(answer, Missing)
    assert answer.field == "utilisation over an hour"
    assert "65%" in answer.hint


def test_windows_that_are_missing_lower_the_coverage() -> None:
    """So that a gate does not pass on the busy hours alone."""
    assert of(KPI, some_facts(utilisation=(seen(),))).coverage == 1.0
    half = some_facts(utilisation=(seen(),), utilisation_coverage={("gpu", "sm_activity"): 0.5})
    assert of(KPI, half).coverage == 0.5


def test_without_any_reading_it_is_missing() -> None:
    """Not zero."""
    assert of(KPI, some_facts(utilisation=())).field == "utilisation"


@pytest.mark.parametrize(
    "wrong", [{"mean": 1.2}, {"windows_300s": (-0.1,) * 12}, {"provisioned_devices": 0.0}, {"mean": math.nan}]
)
def test_nonsense_makes_it_undefined(wrong: dict[str, Any]) -> None:
    """More than all, less than nothing, or nothing provisioned."""
    assert isinstance(of(KPI, some_facts(utilisation=(seen(**wrong),))), Undefined)


def test_hosts_weigh_by_the_devices_that_they_provision() -> None:
    """One busy GPU beside nine idle ones: nine tenths of the capacity stood still."""
    busy = seen(mean=1.0, windows_300s=(1.0,) * 12)
    idle = seen(mean=0.0, windows_300s=(0.0,) * 12, provisioned_devices=9.0)
    answer = of(KPI, some_facts(utilisation=(busy, idle)))
    assert answer.value == 0.0
    assert "mean 10%" in answer.notes


@given(st.lists(shares, min_size=1, max_size=60))
def test_with_equal_weights_it_is_the_nearest_rank_percentile(values: list[float]) -> None:
    """The value at rank ceil(n / 10)."""
    rank = -(-len(values) // 10)
    assert nearest_rank((v, 1.0) for v in values) == sorted(values)[rank - 1]


@given(st.lists(shares, min_size=12, max_size=40))
def test_a_window_of_no_work_never_improves_the_figure(values: list[float]) -> None:
    """Idling for five more minutes cannot help."""
    before = of(KPI, some_facts(utilisation=(seen(windows_300s=tuple(values)),)))
    after = of(KPI, some_facts(utilisation=(seen(windows_300s=(*values, 0.0)),)))
    assert after.value <= before.value


def test_a_percentile_of_nothing_is_an_error_of_the_caller() -> None:
    """There is no value to give."""
    with pytest.raises(ValueError, match="no value has any weight"):
        nearest_rank([(0.5, 0.0)])
